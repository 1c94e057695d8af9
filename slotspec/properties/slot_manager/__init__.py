"""Properties of the slot manager. The registry imports every file here."""
