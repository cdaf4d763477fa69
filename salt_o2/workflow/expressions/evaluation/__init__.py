"""Check the types of an expression, and compute its value."""
