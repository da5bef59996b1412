"""Train the deep models by Horovod, fit the baselines and the rankers over them, at each fold."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from pyspark.sql import functions as F

from sparkrec.config import Settings
from sparkrec.contracts.features import RANKING_SAMPLES
from sparkrec.errors import DataError
from sparkrec.features.effective_split import effective_split
from sparkrec.features.folds import folds, known_at
from sparkrec.lake import files
from sparkrec.lake.order import in_one_order
from sparkrec.recommend.models import FitData, Model, all_models, options_of
from sparkrec.recommend.queries.query_ranker import (
    QUERY_ITEMS,
    RANKER_FILE,
    fit_query_ranker,
    fitted_at,
    learnable,
    with_item_features,
    write_query_ranker,
)
from sparkrec.recommend.ranker.ranker import over
from sparkrec.recommend.ranker.rankers import rankers_named
from sparkrec.recommend.scorers.scorer import Fitted
from sparkrec.registry.code import digest_of
from sparkrec.registry.model_store import CurrentModels, model_version
from sparkrec.registry.tracking import Tracker, curves, track
from sparkrec.shards.manifest import Manifest
from sparkrec.steps.context import Counts, JobContext
from sparkrec.steps.rankers import Windows, are_fitted, fit_rankers, with_rankers
from sparkrec.steps.ranks import CODE_OF_DEEP, on_ranks, same_weights, too_few_samples
from sparkrec.training.plan import FoldRecord

_USERS_AT_ONCE = 2_500

# Tables that classical models are fitted on.
_FITTED_ON = ("features.positives", "features.behaviour_sequences", "features.item_text")

# The code that decides what a fit gives.
_CODE_OF_CLASSICAL = ("sparkrec.recommend.models", "sparkrec.recommend.scorers", "sparkrec.recommend.users")


def run(context: JobContext) -> Counts:
    """Fit every model at every fold; a model version that is already there is not fitted again.

    A model of a fold knows only the splits before the fold's target, so that the validation fold serves to
    choose, the test fold to look once, and the publish fold, which knows everything, to publish.
    """
    settings, tables = context.settings, context.tables
    manifest = Manifest.read(tables.read_artefact("shards/retrieval"))
    newest = tables.read("features.item_text").agg(F.max("item_index").alias("newest")).collect()[0].newest
    if newest is not None and newest >= manifest.items:
        raise DataError(
            f"features.item_text has items that the shards do not know, up to {newest:,} of {manifest.items:,}: "
            "run `sparkrec job shard` first"
        )
    uri = tables.write_artefact("models/current.json")
    root = uri.rpartition("/")[0]
    split = effective_split(tables.read("features.positives"), settings.split).split
    wanted = folds(split)
    left_out = {
        model.name: f"{manifest.items:,} items are more than baselines.largest_catalogue"
        for model in all_models()
        if model.whole_catalogue and settings.baselines.is_large(manifest.items)
    }
    left_out |= _unfed(settings, wanted, manifest)
    wanted_deep = [name for name in settings.training.models if name not in left_out]
    fitted = [
        model for model in all_models() if model.name not in left_out and (not model.deep or model.name in wanted_deep)
    ]
    versions = {model.name: _version(model, context, manifest) for model in fitted}
    timeless = tuple(model.name for model in fitted if model.timeless)
    current = CurrentModels(
        root=root, versions=versions, folds=wanted, items=manifest.items, left_out=left_out, timeless=timeless
    )

    earlier = CurrentModels.find(uri)
    counts: Counts = {}
    for name in wanted_deep:
        counts |= _train_deep(context, name, current, earlier, manifest)
    ranked = with_rankers(context, current, _FITTED_ON)
    has_rankers = are_fitted(ranked) and tables.exists(RANKING_SAMPLES)
    windows = Windows({}, {}) if has_rankers else Windows.find(context, split)
    of_ranker = [model for model in fitted if model.name in (*over(versions), "popularity")]
    once = [model for model in fitted if model.timeless]
    _fit(context, current, manifest, wanted[-1], once)
    models = dict.fromkeys(windows.before.values(), of_ranker) | dict.fromkeys(wanted, fitted)
    with ThreadPoolExecutor(settings.training.fits_at_once) as pool:
        for line in pool.map(lambda fold: _fit(context, current, manifest, fold, models[fold]), models):
            context.say(line)
    if not has_rankers:
        ranked = _without(ranked, fit_rankers(context, ranked, windows))
    for why in dict.fromkeys(ranked.left_out.values()):
        context.say(f"left out: {', '.join(name for name, said in ranked.left_out.items() if said == why)}: {why}")
    ranked.write(uri)
    counts |= _fit_query_ranker(context, wanted, current.scratch("queries"))
    track(settings, context.say, partial(_log, context, ranked, manifest))
    return counts


def _log(context: JobContext, current: CurrentModels, manifest: Manifest, tracker: Tracker) -> None:
    """Tell MLflow what each model was made from, and the curves of those that the ranks trained."""
    settings, tables = context.settings, context.tables
    data = {
        "run_date": context.run_date,
        "seed": settings.seed,
        "shards": manifest.version,
        "delta": manifest.inputs | tables.read_versions,
        "fingerprint": tables.fingerprints(*_FITTED_ON),
    }
    # A ranker that the ranks train has a training for each shelf of a fold.
    at = (*current.folds, *(f"{fold}/{shelf}" for fold in current.folds for shelf in settings.recommend.shelves))
    rankers, own = rankers_named(), options_of(settings)
    deep = (*settings.training.models, *(name for name, ranker in rankers.items() if ranker.fit is None))
    for name, version in current.versions.items():
        options: dict[str, Any] = {"baselines": settings.baselines.model_dump()}
        if name in deep:
            options = {name: settings.deep(name).model_dump(), "training": settings.training.model_dump()}
        if name in own:
            options = {name: own[name].model_dump()}
        if name in rankers:
            options["ranker"] = settings.ranker.model_dump()
        records = {fold: record for fold in at if (record := FoldRecord.find(f"{current.folder(name)}/{fold}"))}
        tracker.log(name, version, data | options, curves(records))


def _fit_query_ranker(context: JobContext, at: Sequence[str], scratch: str) -> Counts:
    """Fit the ranker of queries' candidates; a source without searches has none."""
    settings, tables = context.settings, context.tables
    uri = tables.write_artefact(RANKER_FILE)
    rows = learnable(tables.read(QUERY_ITEMS), settings.ranker.users, settings.seed)
    if not settings.ranker.windows or rows.isEmpty():
        write_query_ranker(uri, {})
        return {}
    samples = with_item_features(rows, tables.read)
    trees = fit_query_ranker(samples, at, settings.ranker, settings.seed, scratch)
    write_query_ranker(uri, trees)
    context.say(
        f"query_ranker: fitted at {', '.join(sorted(fitted_at(uri))) or 'no fold, for there are too few queries'}"
    )
    return {"query_rankers": len(trees)}


def _fit(context: JobContext, current: CurrentModels, manifest: Manifest, fold: str, models: Sequence[Model]) -> str:
    """Fit those of the models at the fold that the ranks do not train, and tell it; arrays that are there stay."""
    settings, tables = context.settings, context.tables
    users = tables.read("features.behaviour_sequences").where(F.col("fold") == fold)
    # Read once for each kind of product of users and items.
    sequences = in_one_order(users, math.ceil(manifest.users / _USERS_AT_ONCE), "user_id").persist()
    data = FitData(
        known=tables.read("features.positives").where(known_at(fold)),
        sequences=sequences,
        item_text=tables.read("features.item_text"),
        users=manifest.users,
        items=manifest.items,
        settings=settings.baselines,
        seed=settings.seed,
        scratch=current.scratch(fold),
        options=options_of(settings),
    )
    baselines = {model.name: model.fit for model in models if model.fit}
    try:
        for name, fit in baselines.items():
            folder = current.folder_at(name, fold)
            if not Fitted.is_written(folder):
                fit(data).write(folder)
    finally:
        data.release()
        sequences.unpersist()
        files.delete_folder(data.scratch)
    return f"{fold}: {len(baselines)} baselines fitted"


def _unfed(settings: Settings, wanted: Sequence[str], manifest: Manifest) -> dict[str, str]:
    """Deep models that have too few samples at some fold for all ranks to learn from, with the reason.

    Raises:
        DataError: The shards are of other folds or models.
    """
    ranks = settings.training.ranks
    unfed: dict[str, str] = {}
    for name in settings.training.models:
        for fold in wanted:
            samples = manifest.datasets.get(f"{fold}/{settings.deep(name).trained_on}")
            if samples is None:
                raise DataError(f"no shards for {name} at the {fold} fold: run `sparkrec job shard` first")
            if not samples.feeds(ranks):
                unfed.setdefault(name, too_few_samples(samples.rows, f"the {fold} fold", ranks))
    return unfed


def _without(current: CurrentModels, unfit: Mapping[str, str]) -> CurrentModels:
    """The models but for those that were not fitted, with the reason."""
    return current.model_copy(
        update={
            "versions": {name: version for name, version in current.versions.items() if name not in unfit},
            "only_at": {name: at for name, at in current.only_at.items() if name not in unfit},
            "left_out": {**current.left_out, **unfit},
        }
    )


def _version(model: Model, context: JobContext, manifest: Manifest) -> str:
    settings = context.settings
    if model.deep:
        of_training = [settings.deep(model.name).model_dump(), same_weights(settings)]
        shards = {"shards": int(manifest.version, 16)}
        return model_version(model.name, shards, of_training, settings.seed, digest_of(*CODE_OF_DEEP))
    # That of one's own project lies elsewhere.
    code = digest_of(*_CODE_OF_CLASSICAL, *([model.fit.__module__] if model.fit else []))
    inputs, own = context.tables.fingerprints(*_FITTED_ON), options_of(settings).get(model.name)
    options = own.model_dump() if own else settings.baselines.model_dump()
    return model_version(model.name, inputs, options, settings.seed, code)


def _train_deep(
    context: JobContext, name: str, current: CurrentModels, earlier: CurrentModels | None, manifest: Manifest
) -> Counts:
    """Start the ranks once for all folds, and tell what they did."""
    settings, folder, wanted = context.settings, current.folder(name), current.folds
    if not all(FoldRecord.find(f"{folder}/{fold}") for fold in wanted):
        has_all = earlier is not None and name in earlier.versions and set(wanted) <= set(earlier.folds)
        goes_on = settings.training.warm_start and has_all
        warm_start = earlier.folder(name) if earlier and goes_on else None
        shards = context.tables.read_artefact("shards/retrieval")
        on_ranks(context, "sparkrec.training.rank:train_rank", name, shards, folder, wanted, warm_start)
    counts: Counts = {}
    for fold in wanted:
        record = FoldRecord.read(f"{folder}/{fold}")
        for rank in record.ranks:
            context.say(
                f"{name} {fold}: rank {rank.rank}  {rank.rows:,} rows  {rank.steps:,} steps x {rank.epochs} epochs  "
                f"weights {rank.checksum}"
            )
        counts[f"{name}.{fold}"] = sum(rank.rows for rank in record.ranks)
    return counts
