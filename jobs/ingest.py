"""Append landing files that are new to bronze, every column a string."""

from sparkrec.cli import job_main

job_main("ingest")
