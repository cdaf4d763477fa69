"""The state machine of one environment, as components that share one model."""
