"""Templates as they are written."""
