"""What must hold of each model: named statements, each with a sentence and its source."""
