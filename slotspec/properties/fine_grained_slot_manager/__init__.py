"""Properties of the fine-grained slot manager. The registry imports every file here."""
