"""How candidates of a query are ordered: one entry each."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from sparkrec.recommend.queries.retrievers import RETRIEVERS

_RRF = 60


def fused() -> Column:
    """Reciprocal-rank fusion: the sum of 1 / (60 + place) over the retrievers that name the item.

    Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods",
    SIGIR 2009, with their constant.
    """
    parts = [F.coalesce(1 / (_RRF + F.col(f"place_{name}")), F.lit(0.0)) for name in RETRIEVERS]
    return sum(parts[1:], start=parts[0])


def orders() -> dict[str, Column]:
    """By name, what a list is ordered by, greatest first; null where an item is not in it."""
    alone = {name: -F.col(f"place_{name}").cast("double") for name in RETRIEVERS}
    return {**alone, "rank_fusion": fused()}
