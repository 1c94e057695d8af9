"""The oracle of slot sharing."""
