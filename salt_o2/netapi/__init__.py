"""Salt netapi modules: start() only."""
