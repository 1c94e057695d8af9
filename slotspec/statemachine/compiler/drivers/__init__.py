"""The compiled functions around rules: expansion, random walks, predicates, symmetry."""
