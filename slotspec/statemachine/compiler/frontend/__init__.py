"""Translates a rule's source to LLVM instructions."""
