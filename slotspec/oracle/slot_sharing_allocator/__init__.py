"""The oracle of slot sharing in the scheduler."""
