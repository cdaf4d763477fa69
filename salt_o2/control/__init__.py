"""What runs on the master: environments, their store, their placement."""
