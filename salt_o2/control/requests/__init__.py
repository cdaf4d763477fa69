"""Handlers of requests, one module per subject."""
