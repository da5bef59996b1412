"""Searches to what people mean by their queries."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import struct_type
from sparkrec.features.queries.clicks import query_clicks
from sparkrec.features.queries.understand import asked_queries, understood
from sparkrec.steps.context import Counts, JobContext
from sparkrec.text import is_longer

SEARCHES, QUERY_TEXT = "silver.searches", "features.query_text"


def run(context: JobContext) -> Counts:
    """Correct each different query and say what it is about; an empty table where the shop has no searches."""
    tables, texts = context.tables, context.settings.source.texts
    issued = None
    if context.settings.source.searches and tables.exists(SEARCHES):
        issued = context.known_searches()
    if issued is None or issued.isEmpty():
        none = context.spark.createDataFrame([], struct_type(load_contract(QUERY_TEXT)))
        return {"queries": tables.replace(QUERY_TEXT, none)}
    items = context.current_items()
    clicks = query_clicks(issued, context.known_interactions(), items).persist()
    try:
        queries = understood(asked_queries(issued, texts.longest_query), items, texts, clicks)
        counts = {"queries": tables.replace(QUERY_TEXT, queries)}
    finally:
        clicks.unpersist()
    return counts | _cut_searches(context, issued, texts.longest_query)


def _cut_searches(context: JobContext, issued: DataFrame, longest: int) -> Counts:
    """How many searches are too long to be understood as a whole, where there are any."""
    cut = issued.where(is_longer(F.col("query"), longest)).count()
    if not cut:
        return {}
    context.say(
        f"{cut:,} searches are longer than source.texts.longest_query, {longest:,} characters: understood by their "
        "beginning"
    )
    return {"cut_searches": cut}
