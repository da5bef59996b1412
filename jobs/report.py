"""Draw the run as one page, with the Data Docs beside it."""

from sparkrec.cli import job_main

job_main("report")
