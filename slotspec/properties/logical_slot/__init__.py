"""Properties of logical slots. The registry imports every file here."""
