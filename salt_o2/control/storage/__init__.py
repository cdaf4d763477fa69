"""The database of control: environments, runs, hosts, pool, journal."""
