"""The oracle of the ResourceManager's slot manager."""
