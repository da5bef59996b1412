"""Train the deep models by Horovod and fit the baselines, for each fold."""

from sparkrec.cli import job_main

job_main("train")
