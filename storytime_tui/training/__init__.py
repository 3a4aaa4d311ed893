"""Training: the plan, the loop, its events, and checkpoints."""
