"""The oracle of logical slots."""
