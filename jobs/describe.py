"""Describe how the values of every registered feature lie, and how far they have drifted."""

from sparkrec.cli import job_main

job_main("describe")
