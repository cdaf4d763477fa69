"""Linux interfaces for the packages above: files, processes, sockets, control groups."""
