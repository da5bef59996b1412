"""The few queries that the report shows, and what they find."""

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.errors import ConfigurationError
from sparkrec.features.queries.examples import made_queries
from sparkrec.features.queries.understand import understood
from sparkrec.lake import files
from sparkrec.report import QueryExamples, QueryResults, wording
from sparkrec.simulation.query_scores import query_scores
from sparkrec.steps.context import JobContext

_SHOWN = 20
_SHOWN_PLACES = 3
# Some titles give no query, and some the same as another.
_TITLES = 3 * _SHOWN
_SCORES = {
    "correction_accuracy": "wrongly typed, put right",
    "correction_false_changes": "rightly typed, changed",
    "intent_accuracy": "category as meant",
    "intent_log_loss": "log-loss of the category",
    "brand_f1": "F1 of brands",
    "colour_f1": "F1 of colours",
}


def query_examples(context: JobContext, current_items: DataFrame) -> QueryExamples:
    """The corrected queries that people search for most; where nobody searches, some made from popular titles.

    What one person alone has typed may tell who that is, and is not shown.
    """
    queries = context.tables.read("features.query_text")
    if queries.isEmpty():
        return _made_examples(context, current_items)
    figures = _figures(queries) | _scores(context, queries)
    people = F.count_distinct(F.coalesce("user_id", "session_id")).alias("people")
    typed = context.known_searches().groupBy("normalised_query").agg(people).where("people > 1")
    shown = queries.where("edits > 0").join(typed, "normalised_query", "left_semi")
    most = shown.orderBy(F.desc("searches"), "normalised_query").limit(_SHOWN)
    return QueryExamples(figures, most.select(*_shown(F.lit(None).cast("string"))).toPandas())


def result_examples(context: JobContext, items: DataFrame) -> tuple[QueryResults, ...]:
    """The queries that are searched for most, with their first results.

    Args:
        context: The job's surroundings.
        items: ``item_id, title``.
    """
    tables = context.tables
    published = tables.read("gold.search_results").where(F.col("rank") <= _SHOWN_PLACES)
    most = published.where("rank = 1").orderBy(F.desc("searches"), "normalised_query").limit(_SHOWN)
    corrected = tables.read("features.query_text").select("normalised_query", "corrected_query")
    rows = (
        published.join(most.select("normalised_query"), "normalised_query", "left_semi")
        .join(corrected, "normalised_query", "inner")
        .join(items, "item_id", "left")
        .orderBy(F.desc("searches"), "normalised_query", "rank")
        .toPandas()
    )
    return tuple(
        QueryResults(
            str(query),
            of_query["corrected_query"].iloc[0],
            int(of_query["searches"].iloc[0]),
            of_query[["rank", "item_id", "title", "reason"]],
            of_query["nearest_query"].iloc[0],
        )
        for query, of_query in rows.groupby("normalised_query", sort=False)
    )


def _figures(queries: DataFrame) -> dict[str, str]:
    facts = {
        "corrected": F.col("edits") > 0,
        "with a category": F.size("categories") > 0,
        "with a brand": F.col("brand").isNotNull(),
        "with a colour": F.col("colour").isNotNull(),
        "with a size": F.col("size").isNotNull(),
        "with a price": F.coalesce("price_min", "price_max").isNotNull(),
    }
    sums = [F.sum(F.when(is_so, F.col("searches")).otherwise(0)).alias(name) for name, is_so in facts.items()]
    totals = queries.agg(F.count(F.lit(1)).alias("queries"), F.sum("searches").alias("searches"), *sums)
    total = totals.toPandas().iloc[0]
    counts = {"different queries": wording.count(total["queries"]), "searches": wording.count(total["searches"])}
    return counts | {f"{name}, of searches": wording.share(total[name], total["searches"]) for name in facts}


def _scores(context: JobContext, queries: DataFrame) -> dict[str, str]:
    """How well the searches of people were understood, where somebody says what they meant."""
    folder = context.settings.report.query_truth
    if folder is None:
        return {}
    if not files.exists(folder):
        raise ConfigurationError(f"report.query_truth: there is no folder {folder}")
    truth = context.spark.read.parquet(folder)
    scores = query_scores(queries, context.known_searches(), truth, context.settings.source.texts.longest_query)
    return {told: wording.figure(scores[name]) for name, told in _SCORES.items()}


def _made_examples(context: JobContext, current_items: DataFrame) -> QueryExamples:
    popular = (
        context.tables.read("gold.item_profiles")
        .where(F.col("popularity_rank") <= _TITLES)
        .select("item_id", "title", F.col("popularity_rank").alias("place"))
    )
    texts = context.settings.source.texts
    made = (
        made_queries(popular, context.settings.seed, texts.longest_title)
        .orderBy("place")
        .limit(_SHOWN)
        .localCheckpoint()
    )
    read = understood(made.select("normalised_query", "query", "searches"), current_items, texts)
    rows = (
        read.join(made.select("normalised_query", "made_from", "place"), "normalised_query", "inner")
        .orderBy("place")
        .select(*_shown(F.col("made_from")))
        .toPandas()
    )
    return QueryExamples(_made_figures(rows), rows)


def _made_figures(rows: pd.DataFrame) -> dict[str, str]:
    right = int((rows["corrected"] == rows["made_from"]).sum())
    return {"queries made": str(len(rows)), "read as what they were made from": f"{right} of {len(rows)}"}


def _shown(made_from: Column) -> list[Column]:
    first = F.get("categories", F.lit(0))
    return [
        F.col("normalised_query").alias("typed"),
        made_from.alias("made_from"),
        F.col("corrected_query").alias("corrected"),
        first["category"].alias("category"),
        first["probability"].alias("probability"),
        F.col("brand"),
        F.col("colour"),
        F.col("size"),
    ]
