"""What holds of the cluster. The registry imports every file here."""
