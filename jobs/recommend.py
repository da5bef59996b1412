"""Publish each user's lists and each item's neighbours."""

from sparkrec.cli import job_main

job_main("recommend")
