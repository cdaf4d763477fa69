"""Processes of tasks: which they are, how they end, what they leave behind."""
