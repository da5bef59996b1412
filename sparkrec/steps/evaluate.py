"""Choose on validation, look at the test once, and write down how good every model is."""

import hashlib
import json
from functools import partial

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse

from sparkrec.config import Settings
from sparkrec.errors import ConfigurationError
from sparkrec.evaluation.bootstrap import means_with_intervals
from sparkrec.evaluation.catalogue import HEAD_SHARE, Catalogue
from sparkrec.evaluation.choose import Choice, candidates, choose_blend
from sparkrec.evaluation.exposure import exposure_metrics
from sparkrec.evaluation.judge import judged
from sparkrec.evaluation.measure import list_values
from sparkrec.evaluation.segments import NEW_USER_EVENTS, profile_segments, with_segments
from sparkrec.features.parts import newest_known
from sparkrec.lake.order import in_one_order
from sparkrec.recommend.models import MODELS, SECOND_STAGES
from sparkrec.recommend.scorers.item_item import title_vectors
from sparkrec.recommend.targets import bounded, with_targets
from sparkrec.registry.chosen import Chosen, ChosenList
from sparkrec.registry.model_store import CurrentModels, model_version
from sparkrec.registry.tracking import Tracker, track
from sparkrec.steps.context import Counts, JobContext

BLEND = "blend"
"""Name of a ranking by several models."""


def run(context: JobContext) -> Counts:
    """Fill gold.evaluations and say what to publish on each shelf.

    Raises:
        ConfigurationError: recommend.models names a model that there is not.
    """
    settings, tables = context.settings, context.tables
    current = CurrentModels.read(tables.read_artefact("models/current.json"))
    parts = [cut for cut in current.cuts if cut != "publish"]
    by_profile = profile_segments(tables.read("gold.user_profiles"), settings.evaluation.segments)
    users = {part: _users(context, part, by_profile).persist() for part in parts}
    try:
        chosen = _choose(context, current, users["validation"])
        chosen.write(tables.write_artefact("models/chosen.json"))
        titles = title_vectors(tables.read("features.item_text"), current.items)
        # One part after the other: executors hold the models of one cut at a time.
        found = [_figures(settings, current, part, chosen, users[part], titles) for part in parts]
        together = found[0]
        for figures in found[1:]:
            together = together.unionByName(figures)
        versions: dict[tuple[str, str], str] = {
            (name, shelf): version for name, version in current.versions.items() for shelf in settings.recommend.shelves
        }
        versions |= {(ranking.model, shelf): ranking.version for shelf, ranking in chosen.shelves.items()}
        described = context.spark.createDataFrame(
            [
                (name, shelf, version, chosen.shelves[shelf].model == name)
                for (name, shelf), version in versions.items()
            ],
            "model string, shelf string, model_version string, chosen boolean",
        )
        rows = (
            together.join(F.broadcast(described), ["model", "shelf"], "inner")
            .withColumn("run_date", F.lit(context.run_date))
            .withColumn("protocol", F.lit(_protocol(settings)))
        )
        counts = {"figures": tables.replace("gold.evaluations", rows)}
        track(settings, context.say, partial(_log, context, chosen, rows))
        return counts
    finally:
        for rows in users.values():
            rows.unpersist()


def _log(context: JobContext, chosen: Chosen, rows: DataFrame, tracker: Tracker) -> None:
    """Tell MLflow the figures of all users in the run of each model, and what a blend is made from."""
    blended = {
        ranking.version: {"run_date": context.run_date, "shelf": shelf, "weights": ranking.weights}
        for shelf, ranking in chosen.shelves.items()
        if ranking.model == BLEND
    }
    figures = rows.where((F.col("segment") == "all") & F.col("value").isNotNull()).toPandas()
    names = figures["part"] + "." + figures["shelf"] + "." + figures["metric"].str.replace("@", "_at_")
    for (model, version), own in figures.assign(name=names).groupby(["model", "model_version"]):
        points = [(name, value, 0) for name, value in zip(own["name"], own["value"], strict=True)]
        tracker.log(str(model), str(version), blended.get(str(version), {}), points)


def _users(context: JobContext, part: str, by_profile: DataFrame) -> DataFrame:
    """Users with events in the part, with their targets and segments, in one order."""
    sequences = context.tables.read("features.behaviour_sequences").where(F.col("cut") == part)
    users = with_targets(sequences, context.tables.read("features.positives"), newest_known(part) - 1)
    tasks = int(context.spark.conf.get("spark.sql.shuffle.partitions") or 1)
    return in_one_order(with_segments(users, by_profile), tasks, "user_id")


def _choose(context: JobContext, current: CurrentModels, users: DataFrame) -> Chosen:
    settings = context.settings
    names = [name for name in (*(model.name for model in MODELS), *SECOND_STAGES) if name in current.at("publish")]
    if settings.recommend.models != "auto":
        unknown = [name for name in settings.recommend.models if name not in names]
        if unknown:
            raise ConfigurationError(f"recommend.models: no model {', '.join(unknown)}; there are: {', '.join(names)}")
        names = [name for name in names if name in settings.recommend.models]
    k, depth = settings.evaluation.k, settings.evaluation.choice_depth
    # A bounded number of users, always the same ones, is enough to weigh a few models.
    sample = bounded(users, settings.evaluation.choice_users, settings.seed)
    by_shelf = candidates(sample, current, "validation", names, settings.recommend.shelves, depth)
    shelves = {}
    for shelf, found in by_shelf.items():
        # Nobody to choose on: the simplest of the models that may be chosen.
        choice = choose_blend(found, names, k) if len(found.targets) else Choice({names[0]: 1.0}, float("nan"))
        model = BLEND if len(choice.weights) > 1 else next(iter(choice.weights))
        parts = {name: int(current.versions[name], 16) for name in choice.weights}
        version = (
            model_version(BLEND, parts, choice.weights, settings.seed) if model == BLEND else current.versions[model]
        )
        value = choice.value if len(found.targets) else None
        shelves[shelf] = ChosenList(model=model, version=version, weights=choice.weights, validation=value)
        told = " + ".join(f"{weight:.2f} {name}" for name, weight in choice.weights.items())
        context.say(f"{shelf}: ndcg@{k} {choice.value:.4f} on {len(found.targets):,} validation users: {told}")
    return Chosen(run_date=context.run_date, metric=f"ndcg@{k}", shelves=shelves)


def _figures(
    settings: Settings, current: CurrentModels, part: str, chosen: Chosen, users: DataFrame, titles: sparse.csr_matrix
) -> DataFrame:
    """All figures of one part: those of each user's lists, as means, and those of all lists together."""
    k, shelves = settings.evaluation.k, settings.recommend.shelves
    blends = {BLEND: {shelf: ranking.weights for shelf, ranking in chosen.shelves.items() if ranking.model == BLEND}}
    published = {shelf: ranking.model for shelf, ranking in chosen.shelves.items()}
    catalogue = Catalogue.of(current.arrays("popularity", part)["scores"], titles)
    lists = judged(users, current, part, blends, shelves, k, catalogue.head).persist()
    try:
        measure = partial(list_values, catalogue=catalogue, k=k)
        means = means_with_intervals(lists, measure, published, settings.evaluation.bootstrap_samples, settings.seed)
        together = exposure_metrics(lists, int(current.known_items(part).sum()), k)
        figures = means.unionByName(together, allowMissingColumns=True)
        return figures.withColumn("part", F.lit(part)).localCheckpoint()
    finally:
        lists.unpersist()


def _protocol(settings: Settings) -> str:
    """Hash of all that defines the figures, so that only like is compared with like."""
    defining = {
        "ranking": "full",
        "split": settings.split.model_dump(),
        "k": settings.evaluation.k,
        "new_user_events": NEW_USER_EVENTS,
        "head_share": HEAD_SHARE,
        "positives": settings.features.positive_events,
        "source": settings.source.model_dump(exclude={"landing"}),
    }
    return hashlib.sha256(json.dumps(defining, sort_keys=True, default=str).encode()).hexdigest()[:12]
