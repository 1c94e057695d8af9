"""What properties of several models share."""
