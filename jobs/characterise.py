"""Say what users are like, and how items stand among the others."""

from sparkrec.cli import job_main

job_main("characterise")
