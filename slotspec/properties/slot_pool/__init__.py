"""What holds of the slot pool. The registry imports every file here."""
