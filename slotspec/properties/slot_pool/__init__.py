"""The properties of the slot pool. The registry imports every file here."""
