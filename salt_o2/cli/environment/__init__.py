"""coconut environment: commands, plans, history, options."""
