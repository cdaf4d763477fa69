"""Active environments: requests, effects, modifications, rescheduling, pool."""
