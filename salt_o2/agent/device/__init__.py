"""Control channels of processes: session, watcher, manual control."""
