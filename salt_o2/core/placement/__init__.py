"""Hosts and their resources, and the placement of tasks on hosts."""
