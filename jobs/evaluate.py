"""Evaluate every model on held-out events, choose on validation, test once."""

from sparkrec.cli import job_main

job_main("evaluate")
