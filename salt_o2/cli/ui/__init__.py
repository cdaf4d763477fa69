"""Shared parts of all commands: parsing, terminal, progress, confirmation."""
