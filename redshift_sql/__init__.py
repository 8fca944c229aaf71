"""SQL that a person reads, and the planner that turns contracts and a load into statements."""
