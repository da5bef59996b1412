"""Publish the results of the most frequent queries."""

from pyspark.sql import functions as F

from sparkrec.features.vocabulary import indices_of
from sparkrec.recommend.queries.fusion import SEARCH, orders
from sparkrec.recommend.queries.query_ranker import QUERY_ITEMS, QUERY_RANKER
from sparkrec.recommend.queries.results import results, with_nearest_query
from sparkrec.registry.chosen import Chosen
from sparkrec.steps.context import Counts, JobContext
from sparkrec.steps.query_evaluation import common_queries, ordered_candidates

_RESULTS = "gold.search_results"


def run(context: JobContext) -> Counts:
    """Order each query's candidates by the choice made on validation; a source without searches has no results."""
    settings, tables = context.settings.match, context.tables
    chosen = Chosen.read(tables.read_artefact("models/chosen.json")).shelves.get(SEARCH)
    if chosen is None or tables.read(QUERY_ITEMS).isEmpty():
        return {"search_results": tables.replace(_RESULTS, context.no_rows(_RESULTS))}
    texts = tables.read("features.query_text")
    queries = (
        common_queries(context)
        .join(texts, "normalised_query", "inner")
        .orderBy(F.desc("searches"), "normalised_query")
        .limit(settings.queries)
        .select("normalised_query", "searches", "price_min", "price_max", "corrected_query")
        .localCheckpoint()
    )
    by_ranker = chosen.model == QUERY_RANKER
    candidates = ordered_candidates(context, "publish", by_ranker)
    order = F.col(QUERY_RANKER) if by_ranker else orders()[chosen.model]
    prices = (
        tables.read("features.item_activity")
        .where("fold = 'publish' and price is not null")
        .join(
            indices_of(tables.read("features.vocabulary"), "item").select(
                F.col("value").alias("item_id"), F.col("index").alias("item_index")
            ),
            "item_index",
            "inner",
        )
        .select("item_id", "price")
    )
    vectors = tables.read("features.text_vectors").select(F.col("text").alias("corrected_query"), "vector")
    of_queries = queries.join(vectors, "corrected_query", "inner").select("normalised_query", "vector")
    listed = results(candidates, order, queries.drop("corrected_query"), prices, settings.results).localCheckpoint()
    published = with_nearest_query(listed, of_queries, settings.min_cosine).select(
        F.lit(context.run_date).alias("run_date"),
        "*",
        F.lit(chosen.model).alias("model"),
        F.lit(chosen.version).alias("model_version"),
    )
    counts = {"search_results": tables.replace(_RESULTS, published)}
    asked = queries.count()
    empty = listed.where("item_id is null").count()
    context.say(f"{SEARCH}: {asked - empty:,} of {asked:,} queries have results, by {chosen.model}")
    return counts | {"queries": asked, "without_results": empty}
