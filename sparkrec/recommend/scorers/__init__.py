"""Scorers: one file each, arrays in, scores of every item for a batch of users out."""
