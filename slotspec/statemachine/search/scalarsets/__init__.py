"""Proves from the rules' text that renaming the elements of symmetric sorts changes nothing."""
