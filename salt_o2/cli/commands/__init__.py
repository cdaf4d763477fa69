"""The commands of coconut, one module per noun."""
