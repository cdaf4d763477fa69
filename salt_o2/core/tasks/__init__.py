"""Tasks of one environment, and the decisions of control and agents for a single task."""
