"""Searches to what people mean by their queries."""

from sparkrec.cleaning.item_versions import current_items
from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import struct_type
from sparkrec.features.queries.clicks import query_clicks
from sparkrec.features.queries.understand import asked_queries, understood
from sparkrec.steps.context import Counts, JobContext

SEARCHES, QUERY_TEXT = "silver.searches", "features.query_text"


def run(context: JobContext) -> Counts:
    """Correct each different query and say what it is about; an empty table where the shop has no searches."""
    tables = context.tables
    issued = None
    if context.settings.source.searches and tables.exists(SEARCHES):
        issued = context.known_searches()
    if issued is None or issued.isEmpty():
        none = context.spark.createDataFrame([], struct_type(load_contract(QUERY_TEXT)))
        return {"queries": tables.replace(QUERY_TEXT, none)}
    items = current_items(tables.read("silver.items"))
    clicks = query_clicks(issued, context.known_interactions(), items).persist()
    try:
        return {"queries": tables.replace(QUERY_TEXT, understood(asked_queries(issued), items, clicks))}
    finally:
        clicks.unpersist()
