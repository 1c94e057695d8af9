"""The model of slot sharing."""
