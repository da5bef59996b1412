"""Find candidates of queries, and say how well they answer, by their texts and by clicks."""

from sparkrec.cli import job_main

job_main("match")
