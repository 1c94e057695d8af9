"""The compiled functions that call rules: expansion, random walks, predicates, symmetry."""
