"""The compiled functions that call rules: expansion, single steps, predicates, symmetry."""
