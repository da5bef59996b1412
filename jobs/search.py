"""Publish the results of the most frequent queries."""

from sparkrec.cli import job_main

job_main("search")
