"""Recovery after restarts and losses: liveness of hosts, snapshots, replay, surveys."""
