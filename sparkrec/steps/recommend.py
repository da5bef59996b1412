"""Publish each user's lists and each item's neighbours."""

from datetime import date

from pyspark.sql import functions as F

from sparkrec.features.vocabulary import indices_of
from sparkrec.recommend.loaded import Weights, with_model_inputs
from sparkrec.recommend.neighbours import item_neighbours
from sparkrec.recommend.publish import ranked_lists, reason, searched_model
from sparkrec.recommend.search.top_items import PreparedSearch, prepare
from sparkrec.recommend.search.vectors import Askers
from sparkrec.registry.chosen import Chosen
from sparkrec.registry.model_store import CurrentModels
from sparkrec.steps.context import Counts, JobContext

_WITHOUT_DEEP = "als"
_PUBLISHED = ("gold.recommendations", "gold.similar_items")


def run(context: JobContext) -> Counts:
    """Rank for every user with the models that know everything, by the choice made on validation.

    Lists of a later day stay.
    """
    settings, tables = context.settings, context.tables
    newer = _newer(context)
    if newer and not settings.recommend.replace_newer:
        for table in _PUBLISHED:
            tables.keep(table)
        context.say(
            f"the lists of {newer} are newer than this run's day, {context.run_date}, and stay; "
            "recommend.replace_newer=true replaces them"
        )
        return {"kept": 1}
    current = CurrentModels.read(tables.read_artefact("models/current.json"))
    chosen = Chosen.read(tables.read_artefact("models/chosen.json"))
    sequences = tables.read("features.behaviour_sequences").where("fold = 'publish'")
    titles = context.current_items().select("item_id", "title")
    items = (
        indices_of(tables.read("features.vocabulary"), "item")
        .select(F.col("value").alias("item_id"), F.col("index").alias("item_index"))
        .join(titles, "item_id", "left")
    )
    cores = context.spark.sparkContext.defaultParallelism

    weights: dict[str, Weights] = {shelf: chosen.shelves[shelf].weights for shelf in settings.recommend.shelves}
    searches = {
        shelf: _search(context, current, model, "users", settings.recommend.top_n)
        for shelf, blend in weights.items()
        if (model := searched_model(blend))
    }
    blended = [name for blend in weights.values() for name in blend]
    by_user = with_model_inputs(sequences, current, "publish", blended, tables.read).repartition(2 * cores, "user_id")
    lists = ranked_lists(by_user, current, weights, settings.ranker.depth, settings.recommend.top_n, searches)
    published = context.spark.createDataFrame(
        [(shelf, ranking.model, ranking.version) for shelf, ranking in chosen.shelves.items()],
        "shelf string, model string, model_version string",
    )
    speaking = items.select(F.col("item_index").alias("because_index"), F.col("title").alias("because_title"))
    recommendations = (
        lists.join(items.select("item_index", "item_id"), "item_index", "inner")
        .join(speaking, "because_index", "left")
        .join(F.broadcast(published), "shelf", "inner")
        .select(
            F.lit(context.run_date).alias("run_date"),
            "shelf",
            "user_id",
            "rank",
            "item_id",
            "score",
            reason("because_title").alias("reason"),
            "sources",
            "model",
            "model_version",
        )
    )
    counts = {"recommendations": tables.replace("gold.recommendations", recommendations)}

    # The first of the deep models speaks for what is alike; where all were left out, the vectors of ALS do.
    vectors, most = _vectors_of(context, current), settings.recommend.similar_items
    nearest = item_neighbours(
        items.select("item_index").where(F.col("item_index") < current.items).repartition(cores),
        _search(context, current, vectors, "items", most),
        most,
    )
    similar = items.select(F.col("item_index").alias("similar_index"), F.col("item_id").alias("similar_item_id"))
    neighbours = (
        nearest.join(items.select("item_index", "item_id"), "item_index", "inner")
        .join(similar, "similar_index", "inner")
        .select(
            F.lit(context.run_date).alias("run_date"),
            "item_id",
            "rank",
            "similar_item_id",
            "score",
            F.lit(vectors).alias("model"),
            F.lit(current.versions[vectors]).alias("model_version"),
        )
    )
    counts["similar_items"] = tables.replace("gold.similar_items", neighbours)
    return counts


def _newer(context: JobContext) -> date | None:
    """The day that the published lists are of, where it is later than the run's."""
    found = [
        context.tables.read(table).agg(F.max("run_date").alias("day")).collect()[0].day
        for table in _PUBLISHED
        if context.tables.exists(table)
    ]
    newest = max((day for day in found if day), default=None)
    return newest if newest and newest > context.run_date else None


def _vectors_of(context: JobContext, current: CurrentModels) -> str:
    """The model by whose vectors items are alike."""
    wanted = context.settings.training.models
    vectors = next((name for name in wanted if name in current.versions), _WITHOUT_DEEP)
    if vectors != wanted[0]:
        context.say(f"similar items: by {vectors}, for {wanted[0]} was left out: {current.left_out[wanted[0]]}")
    return vectors


def _search(context: JobContext, current: CurrentModels, model: str, askers: Askers, most: int) -> PreparedSearch:
    """The search by a model's vectors; one that is not exact says so, and how good it is."""
    settings = context.settings
    search = prepare(context.spark, current, model, "publish", askers, most, settings.recommend.search, settings.seed)
    if search.cells:
        context.say(search.told)
    return search
