"""The compiled search: its memory, its kernels and its workers."""
