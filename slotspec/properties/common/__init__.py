"""What the properties of several models share."""
