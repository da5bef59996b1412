"""The lake: the only code that reads or writes Delta tables and the files beside them."""

from sparkrec.lake.job_tables import JobTables
from sparkrec.lake.lake import Lake
from sparkrec.lake.session import spark_session

__all__ = ["JobTables", "Lake", "spark_session"]
