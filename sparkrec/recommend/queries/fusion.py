"""How candidates of a query are ordered without a ranker."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from sparkrec.recommend.queries.retrievers import RETRIEVERS

SEARCH = "search"
"""The surface of queries."""
RANK_FUSION = "rank_fusion"


def orders() -> dict[str, Column]:
    """By name, what a list is ordered by, greatest first; null where an item is not in it."""
    alone = {name: -F.col(f"place_{name}").cast("double") for name in RETRIEVERS}
    # What no retriever names has no place in any list.
    return {**alone, RANK_FUSION: F.when(F.col(RANK_FUSION) > 0, F.col(RANK_FUSION))}
