"""Choose on validation, look at the test once, and write down how good every model is."""

import hashlib
import json

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.config import Settings
from sparkrec.errors import ConfigurationError
from sparkrec.evaluation.bootstrap import means_with_intervals
from sparkrec.evaluation.choose import Choice, candidates, choose_blend
from sparkrec.evaluation.judge import judged
from sparkrec.features.parts import newest_known
from sparkrec.recommend.models import MODELS, RANKER
from sparkrec.recommend.targets import bounded, with_targets
from sparkrec.registry.chosen import Chosen, ChosenList
from sparkrec.registry.model_store import CurrentModels, model_version
from sparkrec.steps.context import Counts, JobContext

BLEND = "blend"
"""Name of a ranking by several models."""

# Values of a segment's column that are told apart; the rest is one group.
_LARGEST_GROUPS = 5


def run(context: JobContext) -> Counts:
    """Fill gold.evaluations and say what to publish on each shelf.

    Raises:
        ConfigurationError: recommend.models names a model that there is not.
    """
    settings, tables = context.settings, context.tables
    current = CurrentModels.read(tables.read_artefact("models/current.json"))
    positives = tables.read("features.positives")
    sequences = tables.read("features.behaviour_sequences")
    parts = [cut for cut in current.cuts if cut != "publish"]
    users = {
        part: with_targets(sequences.where(F.col("cut") == part), positives, newest_known(part) - 1).persist()
        for part in parts
    }
    try:
        chosen = _choose(context, current, users["validation"])
        chosen.write(tables.write_artefact("models/chosen.json"))
        blends = {
            BLEND: {shelf: ranking.weights for shelf, ranking in chosen.shelves.items() if ranking.model == BLEND}
        }
        published = {shelf: ranking.model for shelf, ranking in chosen.shelves.items()}
        k, shelves = settings.evaluation.k, settings.recommend.shelves
        found: list[DataFrame] = []
        for part in parts:
            values = judged(users[part], current, part, blends, shelves, k)
            segmented = _with_segments(values, tables.read("gold.user_profiles"), settings)
            means = means_with_intervals(segmented, published, settings.evaluation.bootstrap_samples, settings.seed)
            # At once, before the next part: executors hold the models of one cut at a time.
            found.append(means.withColumn("part", F.lit(part)).localCheckpoint())
        together = found[0]
        for means in found[1:]:
            together = together.unionByName(means)
        versions: dict[tuple[str, str], str] = {
            (name, shelf): version for name, version in current.versions.items() for shelf in shelves
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
        return {"figures": tables.replace("gold.evaluations", rows)}
    finally:
        for rows in users.values():
            rows.unpersist()


def _choose(context: JobContext, current: CurrentModels, users: DataFrame) -> Chosen:
    settings = context.settings
    names = [name for name in (*(model.name for model in MODELS), RANKER) if name in current.at("publish")]
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


def _with_segments(values: DataFrame, profiles: DataFrame, settings: Settings) -> DataFrame:
    """Each value once for all users, and the leading metric once more for each of the user's groups."""
    segments = []
    for column in settings.evaluation.segments:
        if column not in profiles.columns:
            raise ConfigurationError(f"evaluation.segments: gold.user_profiles has no column {column}")
        value = F.coalesce(F.col(column).cast("string"), F.lit("unknown"))
        sizes = profiles.groupBy(value.alias("group")).count().orderBy(F.desc("count"), "group")
        largest = [row.group for row in sizes.limit(_LARGEST_GROUPS).collect()]
        group = F.when(value.isin(largest), value).otherwise("other")
        segments.append(F.concat(F.lit(f"{column}="), group))
    everybody = F.array(F.lit("all"))
    groups = profiles.select("user_id", F.array(*segments).cast("array<string>").alias("groups"))
    leading = (F.col("metric") == f"ndcg@{settings.evaluation.k}") & F.col("groups").isNotNull()
    of_value = F.when(leading, F.concat(everybody, "groups")).otherwise(everybody)
    # By a join and not by a union, which would judge all models twice.
    return values.join(groups, "user_id", "left").withColumn("segment", F.explode(of_value)).drop("groups")


def _protocol(settings: Settings) -> str:
    """Hash of all that defines the figures, so that only like is compared with like."""
    defining = {
        "ranking": "full",
        "split": settings.split.model_dump(),
        "k": settings.evaluation.k,
        "positives": settings.features.positive_events,
        "source": settings.source.model_dump(exclude={"landing"}),
    }
    return hashlib.sha256(json.dumps(defining, sort_keys=True, default=str).encode()).hexdigest()[:12]
