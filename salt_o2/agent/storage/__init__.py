"""Files of an agent and of its tasks."""
