"""How a task is started: checks, accounts, environment variables, shim."""
