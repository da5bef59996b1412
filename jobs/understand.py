"""Correct queries and tell their categories, brands, colours, sizes and prices."""

from sparkrec.cli import job_main

job_main("understand")
