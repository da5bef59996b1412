"""Queries to items."""

from pyspark.sql import functions as F

from sparkrec.cleaning.titles import title_words
from sparkrec.features.queries.item_clicks import item_clicks
from sparkrec.features.queries.query_items import query_items
from sparkrec.steps.context import Counts, JobContext
from sparkrec.text import normalised_query

_QUERY_ITEMS = "features.query_items"


def run(context: JobContext) -> Counts:
    """Match the most frequent queries with items; a source without searches has none."""
    settings, tables, texts = context.settings.match, context.tables, context.settings.source.texts
    queries = tables.read("features.query_text").orderBy(F.desc("searches"), "normalised_query").limit(settings.queries)
    if queries.isEmpty():
        return {"query_items": tables.replace(_QUERY_ITEMS, context.no_rows(_QUERY_ITEMS))}
    asked = queries.select(
        F.col("normalised_query").alias("query"),
        F.col("corrected_query").alias("text"),
        title_words(F.col("corrected_query"), texts.longest_query).alias("words"),
    )
    # As queries are: without accents.
    named = title_words(normalised_query(F.col("title"), texts.longest_title), texts.longest_title).alias("words")
    items = context.current_items().select("item_id", "title", named)
    of_queries = context.known_searches().join(
        F.broadcast(queries.select("normalised_query")), "normalised_query", "left_semi"
    )
    clicks = item_clicks(of_queries, context.known_interactions(), settings.click_prior)
    found = query_items(
        asked.localCheckpoint(),
        items.localCheckpoint(),
        tables.read("features.text_vectors"),
        clicks.localCheckpoint(),
        settings.items,
    )
    return {"query_items": tables.replace(_QUERY_ITEMS, found)}
