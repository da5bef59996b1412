"""Train the deep models by Horovod, fit the baselines and the ranker over them, at each fold."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from pyspark.sql import functions as F

from sparkrec.config import Settings
from sparkrec.config.settings import SplitSettings
from sparkrec.errors import DataError
from sparkrec.features.effective_split import effective_split
from sparkrec.features.folds import backtest_windows, fold_that_knows, folds, known_at
from sparkrec.lake import files
from sparkrec.lake.order import in_one_order
from sparkrec.recommend.loaded import vector_models
from sparkrec.recommend.models import DEEPFM, LAMBDAMART, RANKER, SECOND_STAGES, FitData, Model, all_models
from sparkrec.recommend.ranker import booster, recipes
from sparkrec.recommend.ranker.backtest import backtest
from sparkrec.recommend.ranker.booster import Backtest
from sparkrec.recommend.ranker.deepfm_shards import write_backtests
from sparkrec.recommend.ranker.item_facts import item_facts
from sparkrec.recommend.ranker.network import BUCKETS, packed
from sparkrec.recommend.ranker.ranker import Ranker, over, seen
from sparkrec.recommend.ranker.recipes import Recipe
from sparkrec.recommend.scorers.scorer import Fitted
from sparkrec.recommend.targets import bounded, with_targets
from sparkrec.recommend.users import Floats
from sparkrec.registry.code import digest_of
from sparkrec.registry.model_store import CurrentModels, model_version
from sparkrec.registry.tracking import Tracker, curves, track
from sparkrec.registry.user_vectors import with_user_vectors
from sparkrec.shards.manifest import MIN_ROWS, Manifest
from sparkrec.steps.context import Counts, JobContext
from sparkrec.training.distributed import launch
from sparkrec.training.plan import DATASETS, WEIGHTS, FoldRecord, RankerData, TrainingPlan

_USERS_AT_ONCE = 2_500

# Tables that classical models are fitted on.
_FITTED_ON = ("features.positives", "features.behaviour_sequences", "features.item_text")

# The code that decides what a fit gives; that of the models below a second stage is in their versions.
_CODE_OF_CLASSICAL = ("sparkrec.recommend.models", "sparkrec.recommend.scorers", "sparkrec.recommend.users")
_CODE_OF_DEEP = ("sparkrec.models", "sparkrec.training")
_CODE_OF_SECOND = ("sparkrec.recommend.loaded", "sparkrec.recommend.ranker", "sparkrec.recommend.targets")

# Settings of the training that make no other models.
_NO_WEIGHTS = {"launcher", "start_timeout_seconds", "models", "checkpoint_steps", "fits_at_once"}

_Stages = dict[str, tuple[Recipe, tuple[str, ...]]]


def run(context: JobContext) -> Counts:
    """Fit every model at every fold; a model version that is already there is not fitted again.

    A model of a fold knows only the splits before the fold's target, so that the validation fold serves to
    choose, the test fold to look once, and the publish fold, which knows everything, to publish.
    """
    settings, tables = context.settings, context.tables
    manifest = Manifest.read(tables.read_artefact("shards/retrieval"))
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
    stages = _second_stages(settings, wanted)
    ranked = _with_second_stages(context, current, stages)
    if settings.ranker.deepfm:
        ranked = _with_deepfm(context, ranked)
    second = [name for name in SECOND_STAGES if name in ranked.versions]
    is_fitted = all(
        Fitted.is_written(ranked.folder_at(name, fold))
        for name in second
        for fold in ranked.only_at.get(name, ranked.folds)
    )
    windows = {} if is_fitted else _windows_to_learn_from(context, split)
    # The fold that knows what came before a window predicts it.
    before = {
        window: fold_that_knows(window + 1) for window in sorted({w for found in windows.values() for w in found})
    }
    of_ranker = [model for model in fitted if model.name in (*over(versions), "popularity")]
    once = [model for model in fitted if model.timeless]
    _fit(context, current, manifest, wanted[-1], once)
    models = dict.fromkeys(before.values(), of_ranker) | dict.fromkeys(wanted, fitted)
    with ThreadPoolExecutor(settings.training.fits_at_once) as pool:
        for line in pool.map(lambda fold: _fit(context, current, manifest, fold, models[fold]), models):
            context.say(line)
    if not is_fitted:
        unfit = _fit_second_stages(context, ranked, manifest, stages, windows, before)
        ranked = _without(ranked, unfit)
    for why in dict.fromkeys(ranked.left_out.values()):
        context.say(f"left out: {', '.join(name for name, said in ranked.left_out.items() if said == why)}: {why}")
    ranked.write(uri)
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
    # DeepFM has a training for each shelf of a fold.
    at = (*current.folds, *(f"{fold}/{shelf}" for fold in current.folds for shelf in settings.recommend.shelves))
    for name, version in current.versions.items():
        options: dict[str, Any] = {"baselines": settings.baselines.model_dump()}
        if name in (*settings.training.models, DEEPFM):
            options = {name: settings.deep(name).model_dump(), "training": settings.training.model_dump()}
        if name in SECOND_STAGES:
            options["ranker"] = settings.ranker.model_dump()
        records = {fold: record for fold in at if (record := FoldRecord.find(f"{current.folder(name)}/{fold}"))}
        tracker.log(name, version, data | options, curves(records))


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


def _second_stages(settings: Settings, wanted: Sequence[str]) -> _Stages:
    """The second stages by name, and the folds that each is fitted at: LambdaMART is there to be compared with."""
    compared = tuple(fold for fold in wanted if fold == "test" and settings.ranker.lambdamart)
    stages: _Stages = {RANKER: (recipes.published(settings.ranker), tuple(wanted))}
    return stages | ({LAMBDAMART: (recipes.lambdamart(), compared)} if compared else {})


def _with_second_stages(context: JobContext, current: CurrentModels, stages: _Stages) -> CurrentModels:
    settings, inputs = context.settings, _inputs_of_second_stage(context, current)
    # Whether there is a stage to compare with makes none of them another.
    shared = [settings.ranker.model_dump(exclude={"lambdamart", "deepfm"}), settings.baselines.model_dump()]
    versions = dict(current.versions)
    for name, (recipe, _) in stages.items():
        seen_on = {shelf: recipe.sees(shelf) for shelf in settings.recommend.shelves}
        options = [*shared, recipe.objective, recipe.trees, recipe.options, seen_on]
        versions[name] = model_version(name, inputs, options, settings.seed, digest_of(*_CODE_OF_SECOND))
    only_at = {name: at for name, (_, at) in stages.items() if at != current.folds}
    return current.model_copy(update={"versions": versions, "only_at": only_at})


def _inputs_of_second_stage(context: JobContext, current: CurrentModels) -> dict[str, int]:
    """What it learns from: the data, and the scores of the models below it."""
    below = {name: int(current.versions[name], 16) for name in over(current.versions)}
    return context.tables.fingerprints(*_FITTED_ON) | below


def _with_deepfm(context: JobContext, current: CurrentModels) -> CurrentModels:
    settings = context.settings
    sections = (settings.ranker, settings.baselines, settings.deepfm)
    options = [*(section.model_dump(exclude={"lambdamart", "deepfm"}) for section in sections), _same_weights(settings)]
    code = digest_of(*_CODE_OF_SECOND, *_CODE_OF_DEEP)
    version = model_version(DEEPFM, _inputs_of_second_stage(context, current), options, settings.seed, code)
    return current.model_copy(update={"versions": current.versions | {DEEPFM: version}})


def _same_weights(settings: Settings) -> dict[str, Any]:
    """What of the training decides the weights."""
    return settings.training.model_dump(exclude=_NO_WEIGHTS)


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
                unfed.setdefault(name, _too_few_samples(samples.rows, f"the {fold} fold", ranks))
    return unfed


def _too_few_samples(samples: int, of: str, ranks: int) -> str:
    return f"{samples:,} samples of {of} do not feed {ranks} ranks (training.ranks)"


def _without(current: CurrentModels, unfit: Mapping[str, str]) -> CurrentModels:
    """The models but for those that were not fitted, with the reason."""
    return current.model_copy(
        update={
            "versions": {name: version for name, version in current.versions.items() if name not in unfit},
            "only_at": {name: at for name, at in current.only_at.items() if name not in unfit},
            "left_out": {**current.left_out, **unfit},
        }
    )


def _windows_to_learn_from(context: JobContext, split: SplitSettings) -> dict[str, list[int]]:
    """Windows that the ranker of each fold learns from; nothing where a fold has too few users in its windows."""
    settings = context.settings.ranker
    positives = context.tables.read("features.positives")
    counted = positives.groupBy("window").agg(F.count_distinct("user_id").alias("users")).collect()
    users_of = {row.window: row.users for row in counted}
    windows = {
        # Of what was predicted at a fold that knows nothing nobody learns anything.
        fold: [w for w in backtest_windows(fold, split, settings.windows) if w in users_of and w < max(users_of)]
        for fold in folds(split)
    }
    fewest = min(sum(users_of[window] for window in found) for found in windows.values())
    return windows if fewest >= settings.min_users else {}


def _fit_second_stages(
    context: JobContext,
    ranked: CurrentModels,
    manifest: Manifest,
    stages: _Stages,
    windows: Mapping[str, Sequence[int]],
    before: Mapping[int, str],
) -> dict[str, str]:
    """Fit the second stages, over the models at the folds before the windows; tell which were not, and why."""
    settings, shelves, training = context.settings.ranker, context.settings.recommend.shelves, context.settings.training
    second = [name for name in SECOND_STAGES if name in ranked.versions]
    too_few = f"fewer than ranker.min_users = {settings.min_users:,} users of past windows to learn from"
    if not settings.windows:
        return dict.fromkeys(second, "ranker.windows is 0")
    if not windows:
        return dict.fromkeys(second, too_few)
    facts = item_facts(
        context.tables.read("features.positives"),
        (*ranked.folds, *before.values()),
        manifest.items,
        ranked.scratch("item_facts"),
    )
    below = over(ranked.versions)
    backtests = {
        window: _backtest(context, ranked, window, fold, facts[fold], below) for window, fold in before.items()
    }
    learned: dict[tuple[str, str], list[Backtest]] = {
        (fold, shelf): [backtests[window][shelf] for window in found]
        for fold, found in windows.items()
        for shelf in shelves
    }
    # Users with a candidate that became an event.
    if min(sum(len(one.sizes) for one in ones) for ones in learned.values()) < settings.min_users:
        return dict.fromkeys(second, too_few)
    tasks = {
        (name, fold, shelf): (learned[fold, shelf], recipe, seen(recipe, shelf))
        for name, (recipe, at) in stages.items()
        for fold in at
        for shelf in shelves
    }
    unfit: dict[str, str] = {}
    fewest = min(sum(len(one.relevant) for one in ones) for ones in learned.values())
    if DEEPFM in ranked.versions and fewest < MIN_ROWS * training.ranks:
        unfit[DEEPFM] = _too_few_samples(fewest, "past windows", training.ranks)
    elif DEEPFM in ranked.versions:
        _fit_deepfm(context, ranked, facts, learned)
    boosters = booster.fit_all(tasks, context.settings.seed, context.settings.training.fits_at_once)
    for name, (recipe, at) in stages.items():
        for fold in at:
            of_fold: dict[str, booster.Text] = {shelf: boosters[name, fold, shelf] for shelf in shelves}
            arrays = Ranker.arrays(facts[fold], settings.depth, of_fold, recipe)
            Fitted(arrays).write(ranked.folder_at(name, fold))
            pairs = sum(len(one.relevant) for shelf in shelves for one in learned[fold, shelf])
            context.say(f"{fold}: {name} fitted on {pairs:,} candidates of {len(windows[fold])} windows")
    return unfit


def _fit_deepfm(
    context: JobContext,
    current: CurrentModels,
    facts: Mapping[str, Floats],
    learned: Mapping[tuple[str, str], list[Backtest]],
) -> None:
    """Let the ranks train a DeepFM on each fold and shelf, on shards that are gone afterwards."""
    settings, folder = context.settings, current.folder(DEEPFM)
    shards, ranks = f"{folder}/shards", settings.training.ranks
    names = {key: "/".join(key) for key in learned}
    edges, datasets = {}, {}
    for key, name in names.items():
        edges[key], datasets[name] = write_backtests(learned[key], shards, name, ranks, settings.seed)
    fields = {names[key]: len(found) for key, found in edges.items()}
    data = RankerData(buckets=BUCKETS, fields=fields, datasets=datasets)
    files.write_bytes(f"{shards}/{DATASETS}", data.model_dump_json().encode())
    _on_ranks(context, "sparkrec.training.deepfm_rank:train_rank", DEEPFM, shards, folder, tuple(names.values()))
    for fold in dict.fromkeys(fold for fold, _ in learned):
        networks: dict[str, booster.Text] = {}
        for shelf in settings.recommend.shelves:
            weights = files.read_arrays(f"{folder}/{names[fold, shelf]}/{WEIGHTS}")
            networks[shelf] = packed(edges[fold, shelf], [weights[f"weight_{place}"] for place in range(len(weights))])
        arrays = Ranker.network_arrays(facts[fold], settings.ranker.depth, networks)
        Fitted(arrays).write(current.folder_at(DEEPFM, fold))
    files.delete_folder(shards)


def _backtest(
    context: JobContext, current: CurrentModels, window: int, fold: str, facts: Floats, below: Sequence[str]
) -> dict[str, Backtest]:
    settings, tables = context.settings, context.tables
    sequences = tables.read("features.behaviour_sequences").where(F.col("fold") == fold)
    sequences = with_user_vectors(sequences, current, fold, vector_models(current, below))
    users = with_targets(sequences, tables.read("features.positives"), window)
    some = bounded(users, settings.ranker.users, settings.seed)
    return backtest(some, current, fold, below, facts, settings.recommend.shelves, settings.ranker, settings.seed)


def _version(model: Model, context: JobContext, manifest: Manifest) -> str:
    settings = context.settings
    if model.deep:
        options = [settings.deep(model.name).model_dump(), _same_weights(settings)]
        shards = {"shards": int(manifest.version, 16)}
        return model_version(model.name, shards, options, settings.seed, digest_of(*_CODE_OF_DEEP))
    # That of one's own project lies elsewhere.
    code = digest_of(*_CODE_OF_CLASSICAL, *([model.fit.__module__] if model.fit else []))
    inputs = context.tables.fingerprints(*_FITTED_ON)
    return model_version(model.name, inputs, settings.baselines.model_dump(), settings.seed, code)


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
        _on_ranks(context, "sparkrec.training.rank:train_rank", name, shards, folder, wanted, warm_start)
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


def _on_ranks(
    context: JobContext,
    target: str,
    model: str,
    shards: str,
    folder: str,
    at: tuple[str, ...],
    warm_start: str | None = None,
) -> None:
    """Start the ranks once for all folds of a model; the plan that they follow stays beside what they write."""
    settings, plan_uri = context.settings, f"{folder}/plan.json"
    plan = TrainingPlan(
        shards=shards,
        output=folder,
        folds=at,
        model=model,
        config=settings.deep(model).model_dump(),
        training=settings.training,
        seed=settings.seed,
        warm_start=warm_start,
    )
    files.write_bytes(plan_uri, plan.model_dump_json(indent=1).encode())
    launch(settings.training, target, plan_uri, context.say)
