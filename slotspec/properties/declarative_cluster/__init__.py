"""What holds of the declarative cluster. The registry imports every file here."""
