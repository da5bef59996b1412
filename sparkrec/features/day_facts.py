"""What was known of users, items and pairs of them before a day began.

What came to be known on a day counts once the day is over, so that rows of one user or item and day are told the same.
The rows that ask stand among the days on which something came to be known, in one order of days, and running sums end
with the day before: no row is compared with another, and no join is over a range.
"""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

ITEM_WINDOWS = (7, 28, 90)
"""Days that columns of an item look back."""

_PAIR = ("user_index", "item_index")
# How each column of `pair_days` is brought together for several pairs.
_OF_DAY = {
    **dict.fromkeys(("positives", "returns", "prices", "log_price", "first"), F.sum),
    **{"earliest": F.min, "latest": F.max},
}
# Whole numbers add up to the same in any order.
_PARTS_OF_LOG = 1_000_000


def pair_days(positives: DataFrame, returns: DataFrame) -> DataFrame:
    """What came to be known on each day of what each user did with each item, as a rule on that day.

    Args:
        positives: features.positives.
        returns: ``user_index, item_index, known_time`` of events that are returns.

    Returns:
        ``user_index, item_index, day``; of that day ``positives, returns``; ``prices``, how many positive events have
        one, and ``log_price``, the sum of log(1 + price) in millionths; ``first``, 1 on the day of the pair's first
        positive event, else 0; ``earliest, latest``, the days (since 1970) between which the positive events happened,
        null where there are none.
    """
    key = [*map(F.col, _PAIR), F.to_date("known_time").alias("day")]
    log_price = F.round(F.log1p("unit_price") * _PARTS_OF_LOG).cast("long")
    number = F.unix_date(F.to_date("event_time")).alias("happened")
    happened = positives.select(
        *key, F.lit(1).alias("positives"), F.lit(0).alias("returns"), log_price.alias("log"), number
    )
    sent_back = returns.select(*key, F.lit(0).alias("positives"), F.lit(1).alias("returns"))
    first_day = F.min(F.when(F.col("positives") > 0, F.col("day"))).over(Window.partitionBy(*_PAIR))
    return (
        happened.unionByName(sent_back, allowMissingColumns=True)
        # By the pair alone, so that Spark brings its rows together once.
        .repartition(*_PAIR)
        .groupBy(*_PAIR, "day")
        .agg(
            F.sum("positives").alias("positives"),
            F.sum("returns").alias("returns"),
            F.count("log").alias("prices"),
            F.coalesce(F.sum("log"), F.lit(0)).alias("log_price"),
            F.min("happened").alias("earliest"),
            F.max("happened").alias("latest"),
        )
        .withColumn("first", F.when(F.col("day") == first_day, 1).otherwise(0))
    )


def with_day_facts(rows: DataFrame, days: DataFrame) -> DataFrame:
    """Add what was known of the user, the item and the pair before a row's day began.

    Args:
        rows: At least ``user_index, item_index, day``.
        days: What `pair_days` gives.

    Returns:
        The rows with counts, 0 where there was nothing, and days, log prices and shares, null where there was nothing.
    """
    items = _item_facts(rows.select("item_index", "day").distinct(), days)
    return _with_user_and_pair_facts(rows, days).join(items, ["item_index", "day"], "inner")


def _with_user_and_pair_facts(rows: DataFrame, days: DataFrame) -> DataFrame:
    """A user's rows and days are few enough to be put in order in one place."""
    together = _with_asked(rows, days).repartition("user_index")
    user, pair = (Window.partitionBy(*key).orderBy("number") for key in (["user_index"], _PAIR))
    facts = {
        "pair_positives": _total("positives", pair),
        "pair_days_since": F.col("number") - _before(F.max("latest"), pair),
        **_facts("user", user),
        "user_items": _total("first", user),
        "user_days_since": F.col("number") - _before(F.max("latest"), user),
    }
    return together.withColumns(facts).where("asked").drop("asked", "number", *_OF_DAY)


def _item_facts(asked: DataFrame, days: DataFrame) -> DataFrame:
    """Facts of items on the days that are asked for: a hot item has a row a day, however many events and askers."""
    of_day = [together(name).alias(name) for name, together in _OF_DAY.items()]
    by_day = _with_asked(asked, days.groupBy("item_index", "day").agg(*of_day))
    item = Window.partitionBy("item_index").orderBy("number")
    windows = {f"item_positives_{of}d": _total("positives", item, of) for of in ITEM_WINDOWS}
    facts = [value.alias(name) for name, value in (_facts("item", item) | windows).items()]
    return by_day.select("item_index", "day", "asked", *facts).where("asked").drop("asked")


def _with_asked(asked: DataFrame, days: DataFrame) -> DataFrame:
    """The rows that ask, marked so, and days on which something happened, with the number of the day."""
    together = asked.withColumn("asked", F.lit(True)).unionByName(days, allowMissingColumns=True)
    return together.withColumn("number", F.unix_date("day"))


def _facts(of: str, in_time: WindowSpec) -> dict[str, Column]:
    """What users and items are told alike."""
    positives, returns = _total("positives", in_time), _total("returns", in_time)
    log_price = F.try_divide(_total("log_price", in_time), _total("prices", in_time)) / _PARTS_OF_LOG
    return {
        f"{of}_positives": positives,
        f"{of}_days_since_first": F.col("number") - _before(F.min("earliest"), in_time),
        f"{of}_log_price": log_price,
        f"{of}_return_share": F.try_divide(returns, positives + returns),
    }


def _total(name: str, in_time: WindowSpec, days: int | None = None) -> Column:
    return F.coalesce(_before(F.sum(name), in_time, days), F.lit(0))


def _before(value: Column, in_time: WindowSpec, days: int | None = None) -> Column:
    """The value of all days before the row's, or of so many."""
    return value.over(in_time.rangeBetween(-days if days else Window.unboundedPreceding, -1))
