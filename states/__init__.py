"""Salt state modules of Salt O²."""
