"""Start of a task: checks, accounts, environment variables, shim."""
