"""Recordings of real clusters: read, and explained by a run of the cluster model."""
