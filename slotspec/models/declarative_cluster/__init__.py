"""The model of the cluster with declared requirements."""
