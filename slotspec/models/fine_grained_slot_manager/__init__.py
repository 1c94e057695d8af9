"""The model of the ResourceManager's fine-grained slot manager."""
