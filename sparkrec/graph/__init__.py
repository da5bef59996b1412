"""The one graph of jobs: what each reads and writes, and the order that follows from it."""

from sparkrec.graph.job import JobSpec
from sparkrec.graph.jobs import JOBS, ON_DEMAND
from sparkrec.graph.order import in_order, upstream
from sparkrec.graph.pipeline import job_file, pipeline

__all__ = ["JOBS", "ON_DEMAND", "JobSpec", "in_order", "job_file", "pipeline", "upstream"]
