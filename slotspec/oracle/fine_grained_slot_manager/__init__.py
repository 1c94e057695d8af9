"""The oracle of the fine-grained slot manager."""
