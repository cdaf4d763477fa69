"""A FairMQ-compatible device in Python."""
