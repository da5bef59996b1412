"""Make vectors of texts, words and items."""

from sparkrec.cli import job_main

job_main("embed")
