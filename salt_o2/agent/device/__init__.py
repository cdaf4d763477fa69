"""Control channels of processes: session, watcher, control by hand."""
