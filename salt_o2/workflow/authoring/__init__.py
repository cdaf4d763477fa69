"""For authors: check, outline and graph of a workflow."""
