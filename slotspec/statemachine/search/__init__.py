"""The compiled search: its memory, its kernels, and the workers that drive them."""
