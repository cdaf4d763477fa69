"""One task: decisions about it, and their execution."""
