"""Land the quarantined lines that a mended source file or rule accepts; others stay as they are."""

from sparkrec.cli import job_main

job_main("replay")
