"""The part of the evaluate job that measures results of queries, and chooses how they are ordered."""

from functools import partial, reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.evaluation.bootstrap import means_with_intervals
from sparkrec.evaluation.queries import query_lists, query_values
from sparkrec.lake.order import in_one_order
from sparkrec.recommend.queries.fusion import RANK_FUSION, SEARCH, orders
from sparkrec.recommend.queries.query_ranker import (
    QUERY_ITEMS,
    QUERY_RANKER,
    RANKER_FILE,
    fitted_at,
    version_of,
    with_item_features,
    with_query_ranker,
)
from sparkrec.registry.chosen import ChosenList
from sparkrec.registry.code import digest_of
from sparkrec.registry.model_store import model_version
from sparkrec.steps.context import JobContext

DEFAULT = RANK_FUSION
"""What orders results where there is nothing to choose on."""
_SPLITS = ("validation", "test")


def common_queries(context: JobContext) -> DataFrame:
    """``normalised_query`` of the queries that enough people have typed to have results."""
    people = F.count_distinct(F.coalesce("user_id", "session_id")).alias("people")
    typed = context.known_searches().groupBy("normalised_query").agg(people)
    return typed.where(F.col("people") >= context.settings.match.min_people).select("normalised_query")


def ordered_candidates(context: JobContext, fold: str, ranker: bool) -> DataFrame:
    """Candidates of queries at a fold, with what all orders need.

    Args:
        context: The job's surroundings.
        fold: The fold.
        ranker: Whether the ranker's score is wanted.
    """
    rows = context.tables.read(QUERY_ITEMS).where(F.col("fold") == fold)
    if not ranker:
        return rows
    uri = context.tables.read_artefact(RANKER_FILE)
    return with_query_ranker(with_item_features(rows, context.tables.read), uri, fold)


def evaluate_queries(context: JobContext) -> tuple[ChosenList | None, DataFrame | None]:
    """How the results of queries are ordered, and the figures of all orders; None where there are no queries."""
    settings, tables = context.settings, context.tables
    rows = tables.read(QUERY_ITEMS)
    if rows.isEmpty():
        return None, None
    k, uri = settings.evaluation.k, tables.read_artefact(RANKER_FILE)
    at = fitted_at(uri)
    measured = {row.fold for row in rows.where(F.col("label") > 0).select("fold").distinct().collect()}
    lists = {split: _lists(context, split, split in at, k).persist() for split in _SPLITS if split in measured}
    try:
        chosen = _choose(context, lists.get("validation"), "publish" in at)
        if not lists:
            return chosen, None
        measure, samples = partial(query_values, k=k), settings.evaluation.bootstrap_samples
        figures = [
            means_with_intervals(of_split, measure, {SEARCH: chosen.model}, samples, settings.seed).withColumn(
                "split", F.lit(split)
            )
            for split, of_split in lists.items()
        ]
        versions = context.spark.createDataFrame(
            [(name, _version(context, name), name == chosen.model) for name in (*orders(), QUERY_RANKER)],
            "model string, model_version string, chosen boolean",
        )
        together = reduce(DataFrame.unionByName, figures)
        return chosen, together.join(F.broadcast(versions), "model", "inner").localCheckpoint()
    finally:
        for of_split in lists.values():
            of_split.unpersist()


def _lists(context: JobContext, split: str, ranker: bool, k: int) -> DataFrame:
    by = orders() | ({QUERY_RANKER: F.when(F.col(RANK_FUSION) > 0, F.col(QUERY_RANKER))} if ranker else {})
    rows = ordered_candidates(context, split, ranker)
    lists = query_lists(rows, by, context.tables.read("features.query_text"), k)
    tasks = int(context.spark.conf.get("spark.sql.shuffle.partitions") or 1)
    return in_one_order(lists, tasks, "user_id")


def _choose(context: JobContext, lists: DataFrame | None, ranker: bool) -> ChosenList:
    """The order that is best for the validation queries; where there are none, the default."""
    k = context.settings.evaluation.k
    name, value = DEFAULT, None
    if lists is not None and not lists.isEmpty():
        values = query_values(lists.withColumn("user_hash", F.xxhash64("user_id")).drop("user_id").toPandas(), k)
        overall = values[(values["segment"] == "all") & (values["metric"] == f"ndcg@{k}")]
        means = overall.groupby("model")["value"].mean()
        if not ranker:
            means = means.drop(QUERY_RANKER, errors="ignore")
        name, value = str(means.idxmax()), float(means.max())
        context.say(f"{SEARCH}: ndcg@{k} {value:.4f} on {overall['user_hash'].nunique():,} validation queries: {name}")
    else:
        context.say(f"{SEARCH}: 0 validation queries, so nothing was chosen: {name} is published, the default")
    return ChosenList(model=name, version=_version(context, name), weights={name: 1.0}, validation=value)


def _version(context: JobContext, name: str) -> str:
    if name == QUERY_RANKER:
        return version_of(context.tables.read_artefact(RANKER_FILE))
    settings = context.settings.match.model_dump()
    return model_version(name, {}, settings, context.settings.seed, digest_of("sparkrec.recommend.queries"))
