"""Queries with all that is understood of them."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import TextSettings
from sparkrec.features.queries.catalogue import catalogue
from sparkrec.features.queries.clicks import no_clicks
from sparkrec.features.queries.entities import brands, colour, size
from sparkrec.features.queries.intent import category_intent
from sparkrec.features.queries.prices import price_bounds
from sparkrec.features.queries.spelling import corrected_queries
from sparkrec.features.queries.vocabulary import vocabulary
from sparkrec.text import beginning, folded_query


def asked_queries(searches: DataFrame, longest: int) -> DataFrame:
    """Different queries: ``normalised_query``, ``query`` as most often typed (ties by text), ``searches``.

    Args:
        searches: ``normalised_query, query``.
        longest: Characters of a query that are taken.
    """
    query = beginning(F.col("query"), longest).alias("query")
    typed = searches.groupBy("normalised_query", query).agg(F.count(F.lit(1)).alias("searches"))
    usual = F.min(F.struct((-F.col("searches")).alias("rarity"), "query"))
    return typed.groupBy("normalised_query").agg(usual["query"].alias("query"), F.sum("searches").alias("searches"))


def understood(
    queries: DataFrame, current_items: DataFrame, texts: TextSettings, clicks: DataFrame | None = None
) -> DataFrame:
    """What each query means in this shop (features.query_text).

    Spelling and intent follow from the catalogue and, where there are any, from the clicks after all queries; the list
    need not be that of a log.

    Args:
        queries: ``normalised_query``, each once, with ``query`` as typed and ``searches``.
        current_items: The current rows of silver.items.
        texts: How much of queries and items is read.
        clicks: `sparkrec.features.queries.clicks.query_clicks` of the shop's log; None where there is none.
    """
    clicks = no_clicks(queries) if clicks is None else clicks
    # Checkpoints: each is read several times.
    shop = catalogue(current_items, texts.longest_title).localCheckpoint()
    known = vocabulary(shop, clicks).localCheckpoint()
    all_queries = queries.select("normalised_query").union(clicks.select("normalised_query")).distinct()
    corrected = corrected_queries(all_queries, known).localCheckpoint()
    clicked = (
        clicks.join(corrected, "normalised_query", "inner")
        .groupBy("corrected_query", "category")
        .agg(F.sum("clicks").alias("clicks"), F.sum("weight").alias("weight"))
    )
    folded = folded_query(F.col("query"), texts.longest_query)
    spelt = queries.join(corrected, "normalised_query", "inner").withColumn("folded", folded)
    different = spelt.select("corrected_query").distinct()
    price_min, price_max = price_bounds(F.col("folded"))
    none = F.array().cast("array<struct<category: string, probability: double>>")
    return (
        spelt.join(category_intent(different, clicked, shop), "corrected_query", "left")
        .join(brands(different, shop), "corrected_query", "left")
        .select(
            "normalised_query",
            "searches",
            "corrected_query",
            "edits",
            F.coalesce("categories", none).alias("categories"),
            "brand",
            colour(F.col("corrected_query")).alias("colour"),
            size(F.col("folded")).alias("size"),
            price_min.alias("price_min"),
            price_max.alias("price_max"),
        )
    )
