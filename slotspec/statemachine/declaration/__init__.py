"""What a model is declared with: lifecycles, records, rules, properties."""
