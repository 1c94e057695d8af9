"""The model of the JobMaster's slot pool."""
