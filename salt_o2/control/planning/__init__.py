"""Planning: from a workflow and the inventory to a plan."""
