"""Example workflows and their tasks."""
