"""Tag and describe users and items in words."""

from sparkrec.cli import job_main

job_main("tag")
