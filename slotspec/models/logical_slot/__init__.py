"""The model of logical slots."""
