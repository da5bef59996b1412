"""Say how well items answer queries, by their texts and by clicks."""

from sparkrec.cli import job_main

job_main("match")
