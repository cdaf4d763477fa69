"""Threads, background loops and concurrent steps, for all packages that do I/O."""
