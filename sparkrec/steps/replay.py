"""Quarantined lines once more, after their source file or a rule was mended."""

from pyspark.sql import functions as F

from sparkrec.cleaning.duplicates import row_id
from sparkrec.cleaning.elements import ELEMENT, row_suffix, with_elements
from sparkrec.errors import DataError
from sparkrec.landing.columns import own_columns
from sparkrec.steps.clean import QUARANTINE, Cleaning
from sparkrec.steps.cleaned_before import cleaned_before, definition
from sparkrec.steps.context import Counts, JobContext
from sparkrec.steps.runs import CLEANING

__all__ = ["definition", "run"]


def run(context: JobContext) -> Counts:
    """Clean the lines in quarantine anew; those that are accepted now land, once, and leave it.

    Lines that were accepted before are not looked at: `sparkrec job clean` goes on from here and takes them as they
    are.

    Raises:
        DataError: The clean job has not finished, or earlier versions of its tables are gone.
    """
    source, tables = context.settings.source, context.tables
    before = cleaned_before(context, CLEANING, other_rules=True)
    if before is None:
        raise DataError(
            f"{source.name}: no cleaning to go on from: run `sparkrec job clean` instead, it cleans all lines"
        )
    table = f"bronze.{source.name}"
    # What landed since is left to the clean job.
    bronze = tables.read(table, before.run.inputs[table])
    tables.read_versions[table] = before.run.inputs[table]
    refused = tables.read(QUARANTINE, before.run.outputs[QUARANTINE]).select(F.col("row_id").alias("_refused"))
    # A line stands there as a whole, or by those of its elements that were refused.
    by_line = refused.groupBy(F.substring_index("_refused", "#", 1).alias("_row")).agg(
        F.collect_set("_refused").alias("_refused")
    )
    lines = bronze.withColumn("_row", row_id(own_columns(bronze.columns))).join(by_line, "_row")
    lines = with_elements(lines, source)
    if ELEMENT in lines.columns:
        element = F.concat("_row", row_suffix())
        lines = lines.where(F.array_contains("_refused", F.col("_row")) | F.array_contains("_refused", element))
    return Cleaning(context, before.run, replayed=bronze).clean(lines.drop("_row", "_refused"))
