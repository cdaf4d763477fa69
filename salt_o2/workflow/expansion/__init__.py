"""Expand templates to a workflow of roles and tasks."""
