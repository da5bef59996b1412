"""Queries to items."""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.cleaning.search_words import TEXT_FIELDS, search_words
from sparkrec.config.settings import SplitSettings
from sparkrec.features.effective_split import effective_split
from sparkrec.features.folds import backtest_windows, fold_that_knows, folds, newest_known, time_window
from sparkrec.features.queries.item_clicks import item_clicks
from sparkrec.lake import files
from sparkrec.recommend.queries.match import candidates, spread
from sparkrec.recommend.queries.query_ranker import QUERY_ITEMS
from sparkrec.recommend.queries.retrievers import RETRIEVERS
from sparkrec.steps.context import Counts, JobContext
from sparkrec.steps.query_evaluation import common_queries

_CLICKS = ("click", "cart", "purchase")


def run(context: JobContext) -> Counts:
    """Find candidates of the most frequent queries, and at folds before of those with clicks in the next window.

    A source without searches has none.
    """
    tables = context.tables
    if tables.read("features.query_text").isEmpty():
        return {"query_items": tables.replace(QUERY_ITEMS, context.no_rows(QUERY_ITEMS))}
    scratch = f"{context.settings.lake}/models/_scratch/queries-{context.run_id}"
    try:
        split = _split(context)
        window = _window(context, split)
        targets = _targets(context, split, window).localCheckpoint()
        asked = _asked(context, split, targets)
        found = _with_labels(_candidates(context, window, asked, scratch), asked, targets)
        return {"query_items": tables.replace(QUERY_ITEMS, found)}
    finally:
        files.delete_folder(scratch)


def _split(context: JobContext) -> SplitSettings:
    """By time, for a search has no next one of the same user to hold out."""
    split = effective_split(context.tables.read("features.positives"), context.settings.split).split
    return split.model_copy(update={"kind": "global_time"}) if split.kind == "leave_last" else split


def query_folds(split: SplitSettings) -> tuple[str, ...]:
    """The folds of queries: those that are measured, the one that publishes, and one more to learn from."""
    (first,) = backtest_windows(folds(split)[0], split, 1)
    return tuple(dict.fromkeys((fold_that_knows(first + 1), *folds(split))))


def _asked(context: JobContext, split: SplitSettings, targets: DataFrame) -> dict[str, DataFrame]:
    """By fold, the queries that are answered: ``query, words, vector, brand``."""
    settings, tables = context.settings.match, context.tables
    words = search_words(F.col("corrected_query"), context.settings.source.texts.longest_query).alias("words")
    vectors = _vectors(context).withColumnRenamed("text", "corrected_query")
    queries = (
        tables.read("features.query_text")
        .join(vectors, "corrected_query", "left")
        .select(F.col("normalised_query").alias("query"), words, "vector", "brand", "searches")
        .localCheckpoint()
    )
    common = common_queries(context).withColumnRenamed("normalised_query", "query")
    asked = {}
    for fold in query_folds(split):
        wanted = common if fold == "publish" else targets.where(F.col("fold") == fold).select("query").distinct()
        some = queries.join(wanted, "query", "left_semi").orderBy(F.desc("searches"), "query").limit(settings.queries)
        some = some.drop("searches").localCheckpoint()
        asked[fold] = spread(some, some.count())
    return asked


def _candidates(context: JobContext, window: Column, asked: Mapping[str, DataFrame], scratch: str) -> DataFrame:
    settings = context.settings.match
    events = context.known_interactions().where("search_id is not null")
    issued = context.known_searches()
    clicks = {
        fold: item_clicks(issued, events.where(window >= newest_known(fold)), settings.click_prior) for fold in asked
    }
    vectors = _vectors(context)
    texts = context.tables.read("features.query_text").withColumnRenamed("corrected_query", "text")
    of_queries = texts.join(vectors, "text", "left").select(F.col("normalised_query").alias("query"), "vector")
    return candidates(asked, _items(context, vectors), clicks, of_queries, scratch, settings)


def _vectors(context: JobContext) -> DataFrame:
    return context.tables.read("features.text_vectors").select("text", "vector")


def _items(context: JobContext, vectors: DataFrame) -> DataFrame:
    """All that the retrievers know of the items."""
    texts = context.settings.source.texts
    written = F.concat_ws(" ", *TEXT_FIELDS)
    return (
        context.current_items()
        .join(vectors.withColumnRenamed("text", "title"), "title", "left")
        .select(
            "item_id",
            search_words(F.col("title"), texts.longest_title).alias("title_words"),
            search_words(written, texts.longest_review).alias("text_words"),
            "vector",
            F.col("category_path").alias("category"),
            "brand",
        )
    )


def _window(context: JobContext, split: SplitSettings) -> Column:
    """The window of silver.interactions.known_time."""
    last = context.tables.read("features.positives").agg(F.max("event_time").alias("last")).collect()[0].last
    return time_window(F.col("known_time"), F.lit(last), split)


def _targets(context: JobContext, split: SplitSettings, window: Column) -> DataFrame:
    """What was clicked after queries in the window after a fold: ``fold, query, item_id``."""
    after = {newest_known(fold) - 1: fold for fold in query_folds(split) if newest_known(fold)}
    of_window = F.element_at(F.create_map(*[F.lit(part) for pair in after.items() for part in pair]), window)
    clicked = context.known_interactions().where(F.col("event_type").isin(*_CLICKS) & F.col("search_id").isNotNull())
    return (
        clicked.select("search_id", "item_id", of_window.alias("fold"))
        .where("fold is not null")
        .join(context.known_searches().select("search_id", "normalised_query"), "search_id", "inner")
        .select("fold", F.col("normalised_query").alias("query"), "item_id")
        .distinct()
    )


def _with_labels(found: DataFrame, asked: Mapping[str, DataFrame], targets: DataFrame) -> DataFrame:
    """The candidates, and the targets that are none, in the columns of the table."""
    at = ["fold", "query", "item_id"]
    queries = [rows.select("query", F.lit(fold).alias("fold")) for fold, rows in asked.items()]
    wanted = targets.join(reduce(DataFrame.unionByName, queries), ["fold", "query"], "left_semi")
    wanted = wanted.withColumn("target", F.lit(1.0))
    both = found.join(wanted, at, "full")
    is_measured = F.col("fold") != "publish"
    missing = {"click_score": 1.0}
    numbers = [
        name for name in found.columns if name not in (*at, "embedding_cosine") and not name.startswith("place_")
    ]
    return both.select(
        "fold",
        F.col("query").alias("normalised_query"),
        "item_id",
        F.when(is_measured, F.coalesce("target", F.lit(0.0))).alias("label"),
        *[F.coalesce(name, F.lit(missing.get(name, 0.0))).alias(name) for name in numbers],
        F.nanvl("embedding_cosine", F.lit(None)).alias("embedding_cosine"),
        *[f"place_{name}" for name in RETRIEVERS],
    )
