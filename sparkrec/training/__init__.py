"""Training: the one fit loop, its ranks and its checkpoints."""
