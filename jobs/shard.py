"""Write the training samples of each fold as Petastorm shards with a manifest."""

from sparkrec.cli import job_main

job_main("shard")
