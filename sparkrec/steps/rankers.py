"""The part of the train job that fits rankers: samples of past windows, then each ranker at each fold."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.config.settings import SplitSettings
from sparkrec.contracts.features import RANKING_SAMPLES, ranking_columns, ranking_tables
from sparkrec.features.folds import backtest_windows, fold_that_knows, folds
from sparkrec.lake import files
from sparkrec.recommend.loaded import with_model_inputs
from sparkrec.recommend.ranker.backtest import backtest
from sparkrec.recommend.ranker.booster import Text
from sparkrec.recommend.ranker.deepfm_shards import write_samples
from sparkrec.recommend.ranker.inputs import ItemFeatures, item_features
from sparkrec.recommend.ranker.network import BUCKETS, packed
from sparkrec.recommend.ranker.ranker import over, ranker_arrays
from sparkrec.recommend.ranker.rankers import Ranker, all_rankers, rankers_named
from sparkrec.recommend.ranker.samples import Samples
from sparkrec.recommend.scorers.scorer import Fitted
from sparkrec.recommend.targets import bounded, with_targets
from sparkrec.registry.code import digest_of
from sparkrec.registry.model_store import CurrentModels, model_version
from sparkrec.shards.manifest import MIN_ROWS
from sparkrec.steps.context import JobContext
from sparkrec.steps.ranks import CODE_OF_DEEP, on_ranks, same_weights, too_few_samples
from sparkrec.training.plan import DATASETS, WEIGHTS, RankerData

_CODE = ("sparkrec.recommend.loaded", "sparkrec.recommend.ranker", "sparkrec.recommend.targets")
# Which rankers there are makes none of them another.
_ASKING = {"lambdamart", "deepfm"}


@dataclass(frozen=True)
class Windows:
    """Past windows that rankers learn from.

    Attributes:
        of_fold: By fold that a ranker is fitted at; empty where a fold has too few users in its windows.
        before: By window, the fold that knows what came before it: its models predict the window.
    """

    of_fold: dict[str, list[int]]
    before: dict[int, str]

    @classmethod
    def find(cls, context: JobContext, split: SplitSettings) -> "Windows":
        """The newest ones that have events, as the settings say."""
        settings = context.settings.ranker
        positives = context.tables.read("features.positives")
        counted = positives.groupBy("window").agg(F.count_distinct("user_id").alias("users")).collect()
        users_of = {row.window: row.users for row in counted}
        of_fold = {
            # What was predicted at a fold that knows nothing teaches nothing.
            fold: [w for w in backtest_windows(fold, split, settings.windows) if w in users_of and w < max(users_of)]
            for fold in folds(split)
        }
        fewest = min(sum(users_of[window] for window in found) for found in of_fold.values())
        if fewest < settings.min_users:
            return cls({}, {})
        every = sorted({window for found in of_fold.values() for window in found})
        return cls(of_fold, {window: fold_that_knows(window + 1) for window in every})


def with_rankers(context: JobContext, current: CurrentModels, fitted_on: Sequence[str]) -> CurrentModels:
    """The models, and the rankers that the settings ask for, fitted or not.

    Args:
        context: The job's surroundings.
        current: The models that the rankers stand on.
        fitted_on: Tables that these are fitted on.
    """
    settings, columns = context.settings, ranking_columns()
    # What they learn from: the data, the features, and the scores of the models below them.
    tables = (*fitted_on, *ranking_tables("item"), *ranking_tables("user"))
    inputs = context.tables.fingerprints(*dict.fromkeys(tables))
    inputs |= {name: int(current.versions[name], 16) for name in over(current.versions)}
    shared = [settings.ranker.model_dump(exclude=_ASKING), settings.recommend.shelves]
    versions, only_at = dict(current.versions), dict(current.only_at)
    for ranker in _wanted(context):
        options: list[Any] = [*shared, ranker.sees(columns)]
        code = [*_CODE, *([ranker.fit.__module__] if ranker.fit else CODE_OF_DEEP)]
        if ranker.fit is None:
            options += [settings.deep(ranker.name).model_dump(), same_weights(settings)]
        versions[ranker.name] = model_version(ranker.name, inputs, options, settings.seed, digest_of(*code))
        if ranker.compared_only:
            only_at[ranker.name] = tuple(fold for fold in current.folds if fold == "test")
    return current.model_copy(update={"versions": versions, "only_at": only_at})


def are_fitted(current: CurrentModels) -> bool:
    """Whether all rankers among the models are fitted at all of their folds."""
    return all(
        Fitted.is_written(current.folder_at(name, fold))
        for name in _names(current)
        for fold in current.only_at.get(name, current.folds)
    )


def fit_rankers(context: JobContext, current: CurrentModels, windows: Windows) -> dict[str, str]:
    """Write features.ranking_samples and fit the rankers on them.

    Returns:
        Those that were not fitted, with the reason.
    """
    settings, shelves = context.settings, context.settings.recommend.shelves
    names, least = _names(current), settings.ranker.min_users
    too_few = f"fewer than ranker.min_users = {least:,} users of past windows to learn from"
    if not settings.ranker.windows or not windows.of_fold:
        _write_samples(context, [])
        return dict.fromkeys(names, too_few if settings.ranker.windows else "ranker.windows is 0")
    at = (*current.folds, *windows.before.values())
    of_items = item_features(context.tables.read, at, current.items, current.scratch("item_features"))
    columns = ranking_columns()
    _write_samples(
        context, [_backtest(context, current, window, of_items, columns, windows) for window in windows.before]
    )
    rows = context.tables.read(RANKING_SAMPLES)
    learned: dict[tuple[str, str], Samples] = {}
    for shelf in shelves:
        every = Samples.read(rows, shelf, columns, current.scratch("samples"))
        learned |= {(fold, shelf): every.of(found) for fold, found in windows.of_fold.items()}
    # Users with a candidate that became an event.
    if min(len(samples.sizes) for samples in learned.values()) < least:
        return dict.fromkeys(names, too_few)
    unfit: dict[str, str] = {}
    for ranker in (rankers_named()[name] for name in names):
        seen = ranker.sees(columns)
        if ranker.fit is None:
            fewest, ranks = min(len(samples.relevant) for samples in learned.values()), settings.training.ranks
            if fewest < MIN_ROWS * ranks:
                unfit[ranker.name] = too_few_samples(fewest, "past windows", ranks)
                continue
            texts = _fit_on_ranks(context, current, ranker, learned)
        else:
            wanted = current.only_at.get(ranker.name, current.folds)
            texts = _fit_here(context, ranker, seen, {key: one for key, one in learned.items() if key[0] in wanted})
        for fold in dict.fromkeys(fold for fold, _ in texts):
            of_fold: dict[str, Text] = {shelf: texts[fold, shelf] for shelf in shelves}
            arrays = ranker_arrays(of_items[fold], settings.ranker.depth, of_fold, seen)
            Fitted(arrays).write(current.folder_at(ranker.name, fold))
            pairs = sum(len(learned[fold, shelf].relevant) for shelf in shelves)
            told = f"{pairs:,} candidates of {len(windows.of_fold[fold])} windows"
            context.say(f"{fold}: {ranker.name} fitted on {told}")
    return unfit


def _wanted(context: JobContext) -> list[Ranker]:
    return [ranker for ranker in all_rankers() if ranker.wanted(context.settings.ranker)]


def _names(current: CurrentModels) -> list[str]:
    return [name for name in rankers_named() if name in current.versions]


def _write_samples(context: JobContext, of_windows: Sequence[DataFrame]) -> None:
    none = context.no_rows(RANKING_SAMPLES)
    context.tables.replace(RANKING_SAMPLES, reduce(DataFrame.unionByName, of_windows) if of_windows else none)


def _backtest(
    context: JobContext,
    current: CurrentModels,
    window: int,
    of_items: Mapping[str, ItemFeatures],
    columns: Sequence[str],
    windows: Windows,
) -> DataFrame:
    settings, tables, fold = context.settings, context.tables, windows.before[window]
    sequences = tables.read("features.behaviour_sequences").where(F.col("fold") == fold).drop("fold")
    below = over(current.versions)
    inputs = with_model_inputs(sequences, current, fold, (*below, *_names(current)), tables.read)
    users = with_targets(inputs, tables.read("features.positives"), window)
    some = bounded(users, settings.ranker.users, settings.seed)
    shelves = settings.recommend.shelves
    return backtest(
        some, current, window, fold, below, of_items[fold], columns, shelves, settings.ranker, settings.seed
    )


def _fit_here(
    context: JobContext, ranker: Ranker, seen: tuple[str, ...], samples: Mapping[tuple[str, str], Samples]
) -> dict[tuple[str, str], Text]:
    """Fit a ranker at each fold and shelf, some of them side by side."""
    fit, settings = ranker.fit, context.settings
    assert fit is not None
    # The longest first, or a thread would be left alone with it in the end.
    by_size = sorted(samples, key=lambda key: -len(samples[key].relevant))
    with ThreadPoolExecutor(settings.training.fits_at_once) as pool:
        texts = pool.map(lambda key: fit(samples[key], seen, settings.ranker, settings.seed), by_size)
        return dict(zip(by_size, texts, strict=True))


def _fit_on_ranks(
    context: JobContext, current: CurrentModels, ranker: Ranker, samples: Mapping[tuple[str, str], Samples]
) -> dict[tuple[str, str], Text]:
    """Let the ranks train a network on each fold and shelf, on shards that are gone afterwards."""
    settings, folder = context.settings, current.folder(ranker.name)
    shards, ranks = f"{folder}/shards", settings.training.ranks
    names = {key: "/".join(key) for key in samples}
    edges, datasets = {}, {}
    for key, name in names.items():
        edges[key], datasets[name] = write_samples(samples[key], shards, name, ranks, settings.seed)
    fields = {names[key]: len(found) for key, found in edges.items()}
    data = RankerData(buckets=BUCKETS, fields=fields, datasets=datasets)
    files.write_bytes(f"{shards}/{DATASETS}", data.model_dump_json().encode())
    on_ranks(context, "sparkrec.training.deepfm_rank:train_rank", ranker.name, shards, folder, tuple(names.values()))
    texts: dict[tuple[str, str], Text] = {}
    for key, name in names.items():
        weights = files.read_arrays(f"{folder}/{name}/{WEIGHTS}")
        texts[key] = packed(edges[key], [weights[f"weight_{place}"] for place in range(len(weights))])
    files.delete_folder(shards)
    return texts
