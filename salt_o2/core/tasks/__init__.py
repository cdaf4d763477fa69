"""Tasks of an environment: roles, orders, next action, restarts."""
