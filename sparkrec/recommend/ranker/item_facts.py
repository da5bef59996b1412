"""What is known of each item at a fold, the same for all users."""

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.features.folds import known_at_folds
from sparkrec.lake.by_files import collected
from sparkrec.recommend.users import Floats

BUYER_DAYS = (7, 28, 90)
FACTS = (*(f"buyers_{days}" for days in BUYER_DAYS), "buyers", "events", "age_days", "days_since_sold", "price")
"""Columns of what `item_facts` gives: different users of the last days and ever; events; days since the first and
the latest; median price paid."""


def item_facts(positives: DataFrame, at: Sequence[str], items: int, scratch: str) -> dict[str, Floats]:
    """`FACTS` of every item at each of these folds, (items, facts) by fold.

    An item without a known event has 0 buyers and events; its other facts, and unknown prices, are NaN.

    Args:
        positives: features.positives.
        at: Folds to tell the facts of.
        items: Size of the item vocabulary.
        scratch: Folder for files that are gone afterwards.
    """
    known = known_at_folds(positives.select("window", "event_time", "user_index", "item_index", "unit_price"), at)
    last = known.groupBy("fold").agg(F.max("event_time").alias("last"))
    # One row a buyer: whose latest event is of the last days is one of their buyers.
    bought = known.groupBy("fold", "item_index", "user_index").agg(
        F.min("event_time").alias("first"), F.max("event_time").alias("latest"), F.count(F.lit(1)).alias("events")
    )
    since = [F.col("latest") >= F.col("last") - F.lit(timedelta(days=days)) for days in BUYER_DAYS]
    counts = [*map(F.count_if, since), F.count(F.lit(1)), F.sum("events")]
    ages = [
        (F.unix_timestamp(F.first("last")) - F.unix_timestamp(time)) / 86_400
        for time in (F.min("first"), F.max("latest"))
    ]
    of_item = ["fold", "item_index"]
    prices = known.groupBy(*of_item, "unit_price").agg(F.count(F.lit(1)).alias("paid"))
    price = prices.groupBy(*of_item).agg(F.percentile("unit_price", 0.5, F.col("paid")).alias("price"))
    values = [value.alias(name) for name, value in zip(FACTS[:-1], [*counts, *ages], strict=True)]
    told = bought.join(F.broadcast(last), "fold").groupBy(*of_item).agg(*values)
    columns = [F.col(name).cast("float") for name in FACTS]
    found = collected(told.join(price, of_item).select(*of_item, *columns), scratch).to_pandas()
    facts = {}
    for fold in at:
        rows = found[found["fold"] == fold]
        facts[fold] = np.full((items, len(FACTS)), np.nan, np.float32)
        facts[fold][:, : len(counts)] = 0
        facts[fold][rows["item_index"].to_numpy()] = rows[list(FACTS)].to_numpy(np.float32)
    return facts
