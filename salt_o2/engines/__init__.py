"""Salt engines: start() only."""
