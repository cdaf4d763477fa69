"""Tasks of one environment, and what control and agents decide for a single task."""
