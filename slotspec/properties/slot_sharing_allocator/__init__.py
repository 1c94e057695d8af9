"""What must hold of slot sharing in the scheduler."""
