"""Plain dicts to text for terminals."""
