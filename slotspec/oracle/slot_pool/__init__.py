"""The oracle of the JobMaster's slot pool."""
