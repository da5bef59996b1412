"""How good lists are: metrics, intervals and the choice of what to publish."""
