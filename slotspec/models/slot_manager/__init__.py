"""The model of the ResourceManager's slot manager."""
