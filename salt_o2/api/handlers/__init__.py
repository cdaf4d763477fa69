"""Handlers of HTTP requests, and how errors and the interface are described."""
