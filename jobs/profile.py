"""Describe every user and item by its behaviour."""

from sparkrec.cli import job_main

job_main("profile")
