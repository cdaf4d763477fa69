"""Salt runners of Salt O²."""
