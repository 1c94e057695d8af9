"""Properties of the declarative slot pool and of its bridge."""
