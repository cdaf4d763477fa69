"""Hosts and their resources, and on which host each task is placed."""
