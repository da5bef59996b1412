"""How the values of features lie, and how far that is from an earlier day, from one count of the values."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.contracts.features import Feature
from sparkrec.monitoring.drift import drift_level, population_stability_index

_BINS = 10
_KEY = ["table", "feature"]
# Nobody's id, and nothing personal, may stand among the frequent values.
_UNNAMED = {"identifier", "pii"}


def feature_statistics(counts: DataFrame, known: Sequence[Feature], earlier: DataFrame) -> DataFrame:
    """The columns of gold.feature_statistics but for the day: one row for each feature.

    Args:
        counts: What `value_counts` gives.
        known: The features.
        earlier: gold.feature_statistics of one earlier day; without rows on the first one.
    """
    features = counts.sparkSession.createDataFrame(
        [(one.table, one.column, one.version, one.holds_many or not _UNNAMED & set(one.tags)) for one in known],
        "table string, feature string, version int, is_named boolean",
    )
    told = F.struct("version", "run_date", "fill_rate", "bin_shares", "quantiles", "frequent_values")
    then = earlier.select(*_KEY, told.alias("then"))
    described = _with_places(counts).join(F.broadcast(then), _KEY, "left").groupBy(*_KEY).agg(*_statistics())
    is_compared = F.col("is_named") & (F.col("then.version") == F.col("version"))
    index = population_stability_index(
        _of_all_rows(F.col("then.bin_shares"), F.col("then.fill_rate")),
        _of_all_rows(F.col("shares_in_bins_then"), F.col("fill_rate")),
    )
    return (
        features.join(F.broadcast(described), _KEY, "left")
        .withColumns(
            {
                "rows": F.coalesce("rows", F.lit(0)),
                "compared_with": F.when(F.col("then.version") == F.col("version"), F.col("then.run_date")),
                "drift": F.when(is_compared, index),
            }
            | {name: F.when(F.col("is_named"), F.col(name)) for name in ("frequent_values", "bin_shares")}
        )
        .withColumn("drift_level", drift_level(F.col("drift")))
        .drop("is_named", "then", "shares_in_bins_then")
    )


def _with_places(counts: DataFrame) -> DataFrame:
    """The counts with what each value is among all of its feature."""
    # Sums go by value, so that they come out the same to the last digit.
    by_value = Window.partitionBy(*_KEY).orderBy("number", "text")
    all_values = by_value.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    most_frequent_first = Window.partitionBy(*_KEY).orderBy(F.desc("with_text"), "text")
    number, rows = F.col("number"), F.col("rows")
    return (
        counts.withColumns(
            {"with_number": F.when(number.isNotNull(), rows), "with_text": F.when(F.col("text").isNotNull(), rows)}
        )
        .withColumn("numbers", F.sum("with_number").over(all_values))
        .withColumn("up_to", F.sum("with_number").over(by_value))
        .withColumn("mean", F.sum(number * rows).over(all_values) / F.col("numbers"))
        .withColumn("variance", F.sum(rows * (number - F.col("mean")) ** 2).over(all_values) / F.col("numbers"))
        .withColumn("place", F.row_number().over(most_frequent_first))
    )


def _statistics() -> list[Column]:
    """Aggregates over the values of a feature."""
    rows, with_text = F.sum("rows"), F.col("with_text")
    filled = F.coalesce(F.sum(F.coalesce("with_number", with_text)), F.lit(0))
    has_numbers, has_texts = F.count("number") > 0, F.count("text") > 0
    # A quantile is the least value that so many tenths of the numbers are not above.
    reached = [F.col("up_to") * _BINS >= F.col("numbers") * tenth for tenth in range(_BINS + 1)]
    quantiles = [F.min(F.when(is_reached, F.col("number"))) for is_reached in reached]
    up_to = [F.min(F.when(is_reached, F.col("up_to"))) for is_reached in reached]
    numbers_in_bins = [up_to[1], *[up_to[tenth] - up_to[tenth - 1] for tenth in range(2, _BINS + 1)]]
    texts_in_bins = [F.sum(F.when(F.col("place") == place, with_text)) for place in range(1, _BINS + 1)]
    is_frequent = with_text.isNotNull() & (F.col("place") <= _BINS)
    frequent = F.array_sort(F.collect_list(F.when(is_frequent, F.struct("place", "text"))))["text"]
    in_bins_then = [F.sum(F.when(_is_in_bin_then(place), F.col("rows"))) for place in range(_BINS)]
    return [
        rows.alias("rows"),
        (filled / rows).alias("fill_rate"),
        F.max("mean").alias("mean"),
        F.sqrt(F.max("variance")).alias("standard_deviation"),
        F.when(has_numbers, F.array(*quantiles)).alias("quantiles"),
        F.when(has_texts, F.count("text")).alias("distinct_values"),
        F.when(has_texts, frequent).alias("frequent_values"),
        (F.max(with_text) / filled).alias("frequent_share"),
        F.when(has_numbers, _shares(numbers_in_bins)).otherwise(_shares(texts_in_bins)).alias("bin_shares"),
        _shares(in_bins_then).alias("shares_in_bins_then"),
        F.first("then").alias("then"),
    ]


def _is_in_bin_then(place: int) -> Column:
    """Whether the value is in this bin of the earlier day, counted from 0; the outer bins of numbers have one end."""
    number, quantiles = F.col("number"), F.col("then.quantiles")
    is_above = number > F.get(quantiles, place) if place else F.lit(True)
    is_up_to = number <= F.get(quantiles, place + 1) if place < _BINS - 1 else F.lit(True)
    return F.coalesce(is_above & is_up_to, F.col("text") == F.get("then.frequent_values", place))


def _shares(in_bins: Sequence[Column]) -> Column:
    return F.array(*[F.coalesce(rows, F.lit(0)) / F.sum("rows") for rows in in_bins])


def _of_all_rows(shares: Column, fill_rate: Column) -> Column:
    """Shares in the bins, of other values, and of missing ones; together 1."""
    in_bins = F.aggregate(shares, F.lit(0.0), lambda total, share: total + share)
    return F.concat(shares, F.array(fill_rate - in_bins, 1 - fill_rate))
