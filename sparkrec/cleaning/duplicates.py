"""Exact duplicates among landed lines."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def drop_exact_duplicates(lines: DataFrame, provenance: Sequence[str]) -> DataFrame:
    """One row for each different line.

    Args:
        lines: Landed lines.
        provenance: Columns that say where a line came from; lines that differ only there are the same.

    Returns:
        The source's columns, the provenance of the first copy, ``row_id`` (SHA-256 of the line as JSON)
        and ``copies`` (how often the line landed, at least 1).
    """
    own = [name for name in lines.columns if name not in provenance]
    first = F.min(F.struct(*[F.col(f"`{name}`") for name in provenance])).alias("_first")
    return (
        lines.groupBy(*[F.col(f"`{name}`") for name in own])
        .agg(F.count(F.lit(1)).alias("copies"), first)
        .select(
            *[F.col(f"`{name}`") for name in own],
            *[F.col(f"_first.`{name}`").alias(name) for name in provenance],
            F.sha2(F.to_json(F.struct(*[F.col(f"`{name}`") for name in own])), 256).alias("row_id"),
            "copies",
        )
    )
