"""Queries over the tables of a lake: an engine that can read what it is given, and nothing else."""
