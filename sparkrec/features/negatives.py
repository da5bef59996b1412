"""Items drawn to stand for what a user was offered and did not take, where no impressions tell."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.features.labelled_pairs import PAIR_COLUMNS

_SMOOTHING = 0.75
# Draws for each negative that is wanted: some hit what the user has had.
_DRAWS = 3
_BUCKETS = 1 << 16
# Fewer items than this are no category to draw from; so many of like popularity stand in for one.
_MIN_ALIKE, _BAND = 10, 50


def draw_weights(positives: DataFrame, current_items: DataFrame) -> DataFrame:
    """Items to draw from.

    Args:
        positives: features.positives.
        current_items: The current rows of silver.items.

    Returns:
        ``item_id, item_index, first_day`` (on which a positive event of it was first known); ``low, high``: the item's
        interval of [0, 1), as long as its share of all positive events ^ 0.75 (Mikolov et al., Distributed
        Representations of Words and Phrases, 2013, section 2.2); ``alike, place, size``: a group of items like it, its
        place there from 0, and how many they are; ``kind`` of the group: category, or popularity_band for items without
        a category of some size.
    """
    counted = positives.groupBy("item_id", "item_index").agg(
        F.count(F.lit(1)).alias("events"), F.to_date(F.min("known_time")).alias("first_day")
    )
    described = counted.join(current_items.select("item_id", "category_path"), "item_id", "left")
    items_of_path = F.count(F.lit(1)).over(Window.partitionBy("category_path"))
    is_category = F.col("category_path").isNotNull() & (items_of_path >= _MIN_ALIKE)
    kind = F.when(is_category, "category").otherwise("popularity_band")
    of_kind = Window.partitionBy("kind")
    rank = F.row_number().over(of_kind.orderBy(F.desc("events"), "item_index")) - 1
    number = F.count(F.lit(1)).over(of_kind)
    # Bands of one size, for what is left over in the last one would be drawn again and again.
    bands = F.greatest(F.lit(1), F.floor(number / _BAND))
    band = F.floor(rank * bands / number).cast("string")
    alike = F.concat_ws(" ", "kind", F.when(F.col("kind") == "category", F.col("category_path")).otherwise(band))
    in_order = Window.orderBy("item_index")
    group = Window.partitionBy("alike")
    return (
        described.withColumn("kind", kind)
        .withColumn("alike", alike)
        .withColumn("place", F.row_number().over(group.orderBy("item_index")) - 1)
        .withColumn("size", F.count(F.lit(1)).over(group))
        .withColumn("weight", F.pow("events", F.lit(_SMOOTHING)))
        .withColumn("total", F.sum("weight").over(in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)))
        .withColumn("all", F.max("total").over(Window.partitionBy()))
        .withColumn("high", F.col("total") / F.col("all"))
        .withColumn("low", F.lag("high", 1, 0.0).over(in_order))
        .select("item_id", "item_index", "first_day", "low", "high", "alike", "place", "size", "kind")
    )


def with_negatives(chosen: DataFrame, positives: DataFrame, items: DataFrame, number: int, seed: int) -> DataFrame:
    """The pairs, and to each of them others of label 0: the same user at the same moment with items that were drawn.

    Half of the items, and the odd one, are drawn by popularity; the others evenly from those like the pair's own item.
    An item that the user has a positive event with, be it later, is never among them, nor one that nobody was known to
    have taken by the day, nor one twice. More are drawn than wanted, and the first that pass stay: where few pass,
    there are fewer. The draws are hashes of the seed, the event and the draw's number, so that the same data give the
    same.

    Args:
        chosen: Pairs of label 1.
        positives: features.positives: all that users have had.
        items: What `draw_weights` gives.
        number: Negatives of a pair.
        seed: Seed of the draws.
    """
    popular, alike = number - number // 2, number // 2
    if not number:
        return chosen
    had = positives.select("user_index", "item_index").distinct()
    groups = items.select("item_index", "alike", "size", "kind")
    # All that follows is by event: Spark brings what belongs to one together before anything is drawn for it.
    events = chosen.join(groups, "item_index", "inner").repartition("event_id")
    found = events.join(_passed(_popular(events, items, _DRAWS * popular, seed), had, "popular"), "event_id", "left")
    found = found.withColumn("popular", F.slice(F.coalesce("popular", _none()), 1, popular))
    pairs = [_pairs(F.array("item_index"), F.lit("event"), 1.0), _pairs(F.col("popular"), F.lit("popular"), 0.0)]
    if alike:
        found = found.join(_passed(_alike(events, items, _DRAWS * alike, seed), had, "others"), "event_id", "left")
        others = F.slice(F.array_except(F.coalesce("others", _none()), "popular"), 1, alike)
        pairs.append(_pairs(others, F.col("kind"), 0.0))
    together = found.withColumn("pair", F.explode(F.concat(*pairs))).drop("item_id", "item_index", "label", "origin")
    named = items.select("item_index", "item_id")
    return together.select("*", "pair.*").join(named, "item_index", "inner").select(*PAIR_COLUMNS)


def _pairs(items: Column, origin: Column, label: float) -> Column:
    """An array of ``item_index, origin, label``."""
    named = [origin.alias("origin"), F.lit(label).alias("label")]
    return F.transform(items, lambda item: F.struct(item.alias("item_index"), *named))


def _none() -> Column:
    return F.array().cast("array<int>")


def _popular(events: DataFrame, items: DataFrame, draws: int, seed: int) -> DataFrame:
    """Items at random points of [0, 1), found by the bucket that the point lies in."""

    def bucket(point: Column) -> Column:
        return F.least(F.floor(point * _BUCKETS), F.lit(_BUCKETS - 1))

    buckets = F.explode(F.sequence(bucket(F.col("low")), bucket(F.col("high")))).alias("bucket")
    in_buckets = items.select("item_index", "first_day", "low", "high", buckets)
    # 53 bits, which is what a double holds.
    point = F.shiftrightunsigned("hash", 11) / float(1 << 53)
    points = _draws(events, draws, seed, "popular").withColumn("point", point).withColumn("bucket", bucket(point))
    within = (F.col("low") <= F.col("point")) & (F.col("point") < F.col("high"))
    return points.join(in_buckets, "bucket", "inner").where(within)


def _alike(events: DataFrame, items: DataFrame, draws: int, seed: int) -> DataFrame:
    """Items at random places of the group of the pair's own item."""
    members = items.select("item_index", "first_day", "alike", "place")
    places = _draws(events, draws, seed, "alike").withColumn("place", F.pmod("hash", "size"))
    return places.join(members, ["alike", "place"], "inner")


def _draws(events: DataFrame, draws: int, seed: int, kind: str) -> DataFrame:
    """``draw``, numbered from 0, and its ``hash``, for each event."""
    number = F.explode(F.sequence(F.lit(0), F.lit(draws - 1))).alias("draw")
    drawn = events.select("event_id", "user_index", "alike", "size", F.to_date("event_time").alias("day"), number)
    return drawn.withColumn("hash", F.xxhash64(F.lit(seed), F.lit(kind), "event_id", "draw"))


def _passed(drawn: DataFrame, had: DataFrame, name: str) -> DataFrame:
    """Items that may stand for what was not taken, by event, in the order that they were drawn in, each once."""
    passed = drawn.where("first_day <= day").join(had, ["user_index", "item_index"], "left_anti")
    in_order = F.array_sort(F.collect_list(F.struct("draw", "item_index")))
    return passed.groupBy("event_id").agg(F.array_distinct(in_order["item_index"]).alias(name))
