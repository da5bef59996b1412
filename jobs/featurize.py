"""Build the vocabulary, TF-IDF, interest tags, behaviour sequences and training samples."""

from sparkrec.cli import job_main

job_main("featurize")
