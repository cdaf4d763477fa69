"""Salt execution modules of Salt O²."""
