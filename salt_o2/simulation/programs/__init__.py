"""Programs of a simulated cluster: control, agents, and the hosts that they run on."""
