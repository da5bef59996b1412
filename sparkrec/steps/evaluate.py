"""Choose on validation, look at the test once, and write down how good every model is."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial, reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from scipy import sparse

from sparkrec.config import Settings
from sparkrec.errors import ConfigurationError
from sparkrec.evaluation.bootstrap import means_with_intervals
from sparkrec.evaluation.catalogue import HEAD_SHARE, Catalogue
from sparkrec.evaluation.choose import Candidates, candidates, choose_blend
from sparkrec.evaluation.evaluate import evaluated
from sparkrec.evaluation.exposure import exposure_metrics
from sparkrec.evaluation.measure import list_values
from sparkrec.evaluation.segments import NEW_USER_EVENTS, WHOLE, profile_segments, with_segments
from sparkrec.features.effective_split import effective_split
from sparkrec.features.folds import newest_known
from sparkrec.lake.order import in_one_order
from sparkrec.recommend.loaded import with_model_inputs
from sparkrec.recommend.models import all_models
from sparkrec.recommend.queries.fusion import SEARCH
from sparkrec.recommend.ranker.rankers import rankers_named
from sparkrec.recommend.scorers.titles import title_vectors
from sparkrec.recommend.targets import bounded, with_targets
from sparkrec.registry.chosen import Chosen, ChosenList
from sparkrec.registry.code import digest_of
from sparkrec.registry.model_store import CurrentModels, model_version
from sparkrec.registry.tracking import Tracker, track
from sparkrec.steps.context import Counts, JobContext
from sparkrec.steps.query_evaluation import evaluate_queries
from sparkrec.steps.ranks import same_weights

BLEND = "blend"
"""Name of a ranking by several models."""

DEFAULTS = {"discover": "popularity", "reorder": "own_frequency_decayed"}
"""By shelf, what is published where nobody is there to choose on: what needs no measuring to be sound."""


# What decides which models there are, how good they are found to be, and what is published.
_SECTIONS = (
    *("seed", "split", "features", "shards", "two_tower", "matrix_factorisation", "self_attention", "gru"),
    *("deepfm", "baselines", "models", "ranker", "match", "evaluation"),
)
_CODE = ("sparkrec.features", "sparkrec.models", "sparkrec.recommend", "sparkrec.shards", "sparkrec.training")


def definition(settings: Settings) -> str:
    """Digest of the settings and the code that a retrain depends on."""
    chosen = settings.model_dump(mode="json", include={*_SECTIONS})
    chosen |= {"recommend": settings.recommend.model_dump(include={"shelves", "models"})}
    chosen |= {"training": same_weights(settings), "deep": settings.training.models}
    own = {model.fit.__module__ for model in all_models() if model.fit}
    own |= {ranker.fit.__module__ for ranker in rankers_named().values() if ranker.fit}
    text = json.dumps([chosen, digest_of(*_CODE, *sorted(own))], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def run(context: JobContext) -> Counts:
    """Fill gold.evaluations and say what to publish on each shelf.

    A split on which a shelf has no user to evaluate on has one row there: the published model, 0 users and no value.

    Raises:
        ConfigurationError: recommend.models names a model that there is not.
    """
    tables = context.tables
    effective = effective_split(tables.read("features.positives"), context.settings.split)
    settings = context.settings.model_copy(update={"split": effective.split})
    current = CurrentModels.read(tables.read_artefact("models/current.json"))
    splits = [fold for fold in current.folds if fold != "publish"]
    by_profile = profile_segments(tables.read("gold.user_profiles"), settings.evaluation.segments)
    users = {split: _users(context, current, split, by_profile).persist() for split in splits}
    try:
        chosen = _choose(context, current, users.get("validation"), effective.told)
        of_queries, query_figures = evaluate_queries(context)
        with_queries = {**chosen.shelves, **({SEARCH: of_queries} if of_queries else {})}
        chosen.model_copy(update={"shelves": with_queries}).write(tables.write_artefact("models/chosen.json"))
        titles = title_vectors(tables.read("features.item_text"), current.items)
        # One split after the other: executors hold the models of one fold at a time.
        found = [_figures(settings, current, split, chosen, users[split], titles) for split in splits]
        together = _with_unmeasured(context, reduce(DataFrame.unionByName, found) if found else None, chosen)
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
        of_users = together.join(F.broadcast(described), ["model", "shelf"], "inner")
        rows = (
            (of_users.unionByName(query_figures) if query_figures else of_users)
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
    names = figures["split"] + "." + figures["shelf"] + "." + figures["metric"].str.replace("@", "_at_")
    for (model, version), own in figures.assign(name=names).groupby(["model", "model_version"]):
        points = [(name, value, 0) for name, value in zip(own["name"], own["value"], strict=True)]
        tracker.log(str(model), str(version), blended.get(str(version), {}), points)


def _users(context: JobContext, current: CurrentModels, split: str, by_profile: DataFrame) -> DataFrame:
    """Users with events in the split, with their targets, segments and vectors, in one order."""
    sequences = context.tables.read("features.behaviour_sequences").where(F.col("fold") == split)
    inputs = with_model_inputs(sequences, current, split, current.at(split), context.tables.read)
    users = with_targets(inputs, context.tables.read("features.positives"), newest_known(split) - 1)
    tasks = int(context.spark.conf.get("spark.sql.shuffle.partitions") or 1)
    return in_one_order(with_segments(users, by_profile), tasks, "user_id")


def _choose(context: JobContext, current: CurrentModels, users: DataFrame | None, split: str | None) -> Chosen:
    """The blend of each shelf that is best for the validation users; where there are none, a default."""
    settings = context.settings
    names = _names(context, current)
    k, depth, shelves = settings.evaluation.k, settings.evaluation.choice_depth, settings.recommend.shelves
    by_shelf: dict[str, Candidates] = {}
    if users is not None and names:
        # A bounded number of users, always the same ones, is enough to weigh a few models.
        sample = bounded(users, settings.evaluation.choice_users, settings.seed)
        by_shelf = candidates(sample, current, "validation", names, shelves, depth)
    lists = {}
    for shelf in shelves:
        found = by_shelf.get(shelf)
        if found is not None and len(found.targets):
            choice = choose_blend(found, names, k)
            weights, value = choice.weights, choice.value
            told = " + ".join(f"{weight:.2f} {name}" for name, weight in weights.items())
            context.say(f"{shelf}: ndcg@{k} {value:.4f} on {len(found.targets):,} validation users: {told}")
        else:
            default, which = _default(context, shelf, names)
            weights, value = {default: 1.0}, None
            context.say(f"{shelf}: 0 validation users, so nothing was chosen: {default} is published, {which}")
        model = BLEND if len(weights) > 1 else next(iter(weights))
        parts = {name: int(current.versions[name], 16) for name in weights}
        code = digest_of("sparkrec.recommend.loaded")
        version = current.versions.get(model) or model_version(BLEND, parts, weights, settings.seed, code)
        lists[shelf] = ChosenList(model=model, version=version, weights=weights, validation=value)
    return Chosen(run_date=context.run_date, metric=f"ndcg@{k}", shelves=lists, split=split)


def _names(context: JobContext, current: CurrentModels) -> list[str]:
    """Models to choose from, the simplest first; those that were left out are no mistake of the settings."""
    wanted = context.settings.recommend.models
    names = (*(model.name for model in all_models()), *rankers_named())
    fitted = [name for name in names if name in current.at("publish")]
    if wanted == "auto":
        return fitted
    unknown = [name for name in wanted if name not in fitted and name not in current.left_out]
    if unknown:
        raise ConfigurationError(f"recommend.models: no model {', '.join(unknown)}; there are: {', '.join(fitted)}")
    for name in wanted:
        if name in current.left_out:
            context.say(f"recommend.models: {name} was left out: {current.left_out[name]}")
    return [name for name in fitted if name in wanted]


def _default(context: JobContext, shelf: str, names: Sequence[str]) -> tuple[str, str]:
    """What is published on a shelf where nothing can be measured, and which that is, in words."""
    wanted = context.settings.recommend.models
    if wanted != "auto" and names:
        return next(name for name in wanted if name in names), "the first of recommend.models"
    return DEFAULTS[shelf], "the default (set recommend.models)"


def _with_unmeasured(context: JobContext, figures: DataFrame | None, chosen: Chosen) -> DataFrame:
    """The figures, and a row of 0 users for each split and shelf that has none."""
    found = figures.select("split", "shelf").distinct().collect() if figures else []
    measured = {(row.split, row.shelf) for row in found}
    splits = ("validation",) if context.settings.split.kind == "none" else ("validation", "test")
    rows = [
        (ranking.model, shelf, chosen.metric, WHOLE, split, 0)
        for split in splits
        for shelf, ranking in chosen.shelves.items()
        if (split, shelf) not in measured
    ]
    schema = "model string, shelf string, metric string, segment string, split string, users long"
    nobody = context.spark.createDataFrame(rows, schema)
    numbers = ("value", "low", "high", "difference", "difference_low", "difference_high", "p_value")
    nobody = nobody.withColumns({name: F.lit(None).cast("double") for name in numbers})
    return figures.unionByName(nobody) if figures else nobody


def _figures(
    settings: Settings, current: CurrentModels, split: str, chosen: Chosen, users: DataFrame, titles: sparse.csr_matrix
) -> DataFrame:
    """All figures of one split: those of each user's lists, as means, and those of all lists together."""
    k, shelves = settings.evaluation.k, settings.recommend.shelves
    blends = {BLEND: {shelf: ranking.weights for shelf, ranking in chosen.shelves.items() if ranking.model == BLEND}}
    published = {shelf: ranking.model for shelf, ranking in chosen.shelves.items()}
    catalogue = Catalogue.of(current.arrays("popularity", split)["scores"], titles)
    lists = evaluated(users, current, split, blends, shelves, settings.ranker.depth, k, catalogue.head).persist()
    try:
        measure = partial(list_values, catalogue=catalogue, k=k)
        means = means_with_intervals(lists, measure, published, settings.evaluation.bootstrap_samples, settings.seed)
        together = exposure_metrics(lists, int(current.known_items(split).sum()), k)
        figures = means.unionByName(together, allowMissingColumns=True)
        return figures.withColumn("split", F.lit(split)).localCheckpoint()
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
