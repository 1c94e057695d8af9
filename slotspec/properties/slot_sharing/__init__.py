"""What holds of slot sharing. The registry imports every file here."""
