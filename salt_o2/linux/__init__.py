"""What Linux offers to the packages above: files, processes, sockets, control groups."""
