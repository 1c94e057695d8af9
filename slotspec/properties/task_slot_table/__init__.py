"""What holds of the slot table. The registry imports every file here."""
