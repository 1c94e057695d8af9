"""The model of the TaskExecutor's slot table."""
