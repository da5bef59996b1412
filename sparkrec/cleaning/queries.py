"""Search queries as they are counted and matched."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.text import normalised_query


def searches(events: DataFrame, impressions: DataFrame, longest: int) -> DataFrame:
    """Queries with the items that they showed (silver.searches).

    Args:
        events: Search events with ``query``.
        impressions: Those with a ``search_id``, by ``position``; those of another day than the search's count for
            nothing, so that a day's searches depend on that day alone.
        longest: Characters of a query that are normalised.
    """
    key = ["search_id", "event_date"]
    places = F.array_sort(F.collect_set(F.struct("position", "item_id")))
    results = impressions.where("search_id is not null").groupBy(*key).agg(places["item_id"].alias("result_item_ids"))
    # Each different text once.
    read = normalised_query(F.col("query"), longest)
    different = events.select("query").distinct().withColumn("normalised_query", read)
    return (
        events.withColumn("search_id", F.coalesce("search_id", "event_id"))
        .join(different, "query", "inner")
        .join(results, key, "left")
        .withColumn("result_item_ids", F.coalesce("result_item_ids", F.array().cast("array<string>")))
    )
