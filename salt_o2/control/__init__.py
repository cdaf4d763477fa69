"""Control: the daemon on the master that owns environments, their database and their placement."""
