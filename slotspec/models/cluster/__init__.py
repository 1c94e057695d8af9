"""The model of the cluster."""
