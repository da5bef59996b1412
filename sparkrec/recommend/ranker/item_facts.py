"""What is known of each item at a cut, whoever looks at it."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.features.parts import known_at_cuts
from sparkrec.recommend.users import Floats

BUYER_DAYS = (7, 28, 90)
FACTS = (*(f"buyers_{days}" for days in BUYER_DAYS), "buyers", "events", "age_days", "days_since_sold", "price")
"""Columns of what `item_facts` gives: different users of the last days and ever; events; days since the first and
the latest; median price paid."""


def item_facts(positives: DataFrame, at: Sequence[str], items: int) -> dict[str, Floats]:
    """`FACTS` of every item at each of these cuts, (items, facts) by cut.

    An item without a known event has 0 buyers and events; its other facts, and unknown prices, are NaN.

    Args:
        positives: features.positives.
        at: Cuts to tell the facts of.
        items: Size of the item vocabulary.
    """
    known = known_at_cuts(positives, at)
    last = known.groupBy("cut").agg(F.max("event_time").alias("last"))
    dated = known.join(F.broadcast(last), "cut", "inner")
    buyers = [
        F.count_distinct(
            F.when(F.col("event_time") >= F.col("last") - F.lit(timedelta(days=days)), F.col("user_index"))
        )
        for days in BUYER_DAYS
    ]
    first_and_last = [F.min("event_time"), F.max("event_time")]
    ages = [(F.unix_timestamp(F.first("last")) - F.unix_timestamp(time)) / 86_400 for time in first_and_last]
    counts = [*buyers, F.count_distinct("user_index"), F.count(F.lit(1))]
    values = zip(FACTS, [*counts, *ages, F.percentile("unit_price", 0.5)], strict=True)
    found = (
        dated.groupBy("cut", "item_index").agg(*[value.cast("float").alias(name) for name, value in values]).toPandas()
    )
    facts = {}
    for cut in at:
        rows = found[found["cut"] == cut]
        facts[cut] = np.full((items, len(FACTS)), np.nan, np.float32)
        facts[cut][:, : len(counts)] = 0
        facts[cut][rows["item_index"].to_numpy()] = rows[list(FACTS)].to_numpy(np.float32)
    return facts
