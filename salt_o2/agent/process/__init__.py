"""Processes of tasks: membership, termination, leftovers."""
