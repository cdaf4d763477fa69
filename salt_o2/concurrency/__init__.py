"""Threads, background loops and several things at once, for all packages that do I/O."""
