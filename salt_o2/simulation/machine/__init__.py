"""Models of what lies outside the programs: time, processes, network, devices."""
