"""Training a classifier or a detector: options, loops, hooks, resuming."""
