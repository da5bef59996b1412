"""When a word is taken for another: conditions on ``clicks`` of what was typed and ``candidate_clicks, items``."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from sparkrec.features.queries.vocabulary import MIN_CLICKS

SHORT = 4
"""Fewer letters are so soon another word that clicks must speak for them."""

_TIMES_AS_OFTEN = 10


def is_rare() -> Column:
    """Whether hardly anyone who typed it clicked an item."""
    return F.col("clicks") < MIN_CLICKS


def is_far_more_clicked(candidate_clicks: str = "candidate_clicks") -> Column:
    """Whether people click items for the other ten times as often."""
    return F.col(candidate_clicks) >= _TIMES_AS_OFTEN * F.greatest("clicks", F.lit(1))


def rarity() -> Column:
    """The smaller the more frequent: by clicks, which tell what people type, then by items."""
    return F.struct((-F.col("candidate_clicks")).alias("clicks"), (-F.col("items")).alias("items")).alias("rarity")
