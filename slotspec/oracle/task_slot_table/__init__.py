"""The oracle of the TaskExecutor's slot table."""
