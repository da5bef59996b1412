"""Map, type, dedupe and check the landed lines; refused ones go to quarantine with their reasons."""

from sparkrec.cli import job_main

job_main("clean")
