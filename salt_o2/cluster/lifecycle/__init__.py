"""Start, stop and status of a private cluster."""
