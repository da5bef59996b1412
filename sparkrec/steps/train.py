"""Train the deep model by Horovod, fit the baselines and the ranker over them, at each cut."""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from pyspark.sql import functions as F

from sparkrec.config import Settings
from sparkrec.features.parts import cut_that_knows, cuts, known_at, rehearsed_windows
from sparkrec.lake import files
from sparkrec.lake.files import Arrays
from sparkrec.lake.order import in_one_order
from sparkrec.recommend.models import LAMBDAMART, MODELS, RANKER, FitData, Model
from sparkrec.recommend.ranker import booster, recipes
from sparkrec.recommend.ranker.booster import Rehearsal
from sparkrec.recommend.ranker.item_facts import item_facts
from sparkrec.recommend.ranker.ranker import Ranker, over, seen
from sparkrec.recommend.ranker.recipes import Recipe
from sparkrec.recommend.ranker.rehearsal import rehearse
from sparkrec.recommend.targets import bounded, with_targets
from sparkrec.recommend.users import Floats
from sparkrec.registry.model_store import CurrentModels, model_version
from sparkrec.shards.manifest import Manifest
from sparkrec.steps.context import Counts, JobContext
from sparkrec.training.distributed import launch
from sparkrec.training.plan import TRAINING_RECORD, CutRecord, TrainingPlan

_USERS_AT_ONCE = 2_500

_Stages = dict[str, tuple[Recipe, tuple[str, ...]]]


def run(context: JobContext) -> Counts:
    """Fit every model at every cut; a model version that is already there is not fitted again.

    A model of a cut knows only the parts before the cut's target, so that the validation cut serves to
    choose, the test cut to look once, and the publish cut, which knows everything, to publish.
    """
    settings, tables = context.settings, context.tables
    manifest = Manifest.read(tables.read_artefact("shards/two_tower"))
    uri = tables.write_artefact("models/current.json")
    root = uri.rpartition("/")[0]
    wanted = cuts(settings.split)
    left_out = {
        model.name: f"{manifest.items:,} items are more than baselines.largest_catalogue"
        for model in MODELS
        if model.whole_catalogue and manifest.items > settings.baselines.largest_catalogue
    }
    fitted = [model for model in MODELS if model.name not in left_out]
    versions = {model.name: _version(model, context, manifest) for model in fitted}
    current = CurrentModels(root=root, versions=versions, cuts=wanted, items=manifest.items, left_out=left_out)

    counts = _train_two_tower(context, current.folder("two_tower"), manifest, wanted)
    stages = _second_stages(settings, wanted)
    ranked = _with_second_stages(context, current, stages)
    is_fitted = all(
        files.exists(f"{ranked.folder(name)}/{cut}/arrays.npz") for name, (_, at) in stages.items() for cut in at
    )
    windows = {} if is_fitted else _windows_to_learn_from(context, wanted)
    # The cut that knows what came before a window foresees it.
    before = {window: cut_that_knows(window + 1) for window in sorted({w for found in windows.values() for w in found})}
    of_ranker = [model for model in fitted if model.name in (*over(versions), "popularity")]
    models = dict.fromkeys(before.values(), of_ranker) | dict.fromkeys(wanted, fitted)
    with ThreadPoolExecutor(settings.training.fits_at_once) as pool:
        for line in pool.map(lambda cut: _fit(context, current, manifest, cut, models[cut]), models):
            context.say(line)
    if not is_fitted:
        missing = _fit_second_stages(context, ranked, manifest, stages, windows, before)
        if missing:
            ranked = current.model_copy(update={"left_out": left_out | dict.fromkeys(stages, missing)})
    ranked.write(uri)
    return counts


def _fit(context: JobContext, current: CurrentModels, manifest: Manifest, cut: str, models: Sequence[Model]) -> str:
    """Fit those of the models at the cut that the ranks do not train, and tell it; arrays that are there stay."""
    settings, tables = context.settings, context.tables
    users = tables.read("features.behaviour_sequences").where(F.col("cut") == cut)
    # Read once for each kind of product of users and items.
    sequences = in_one_order(users, math.ceil(manifest.users / _USERS_AT_ONCE), "user_id").persist()
    data = FitData(
        known=tables.read("features.positives").where(known_at(cut)),
        sequences=sequences,
        item_text=tables.read("features.item_text"),
        users=manifest.users,
        items=manifest.items,
        settings=settings.baselines,
        seed=settings.seed,
    )
    baselines = {model.name: model.fit for model in models if model.fit}
    try:
        for name, fit in baselines.items():
            arrays_uri = f"{current.folder(name)}/{cut}/arrays.npz"
            if not files.exists(arrays_uri):
                files.write_arrays(arrays_uri, fit(data))
    finally:
        sequences.unpersist()
    return f"{cut}: {len(baselines)} baselines fitted"


def _second_stages(settings: Settings, wanted: Sequence[str]) -> _Stages:
    """The second stages by name, and the cuts that each is fitted at: LambdaMART is there to be compared with."""
    compared = tuple(cut for cut in wanted if cut == "test" and settings.ranker.lambdamart)
    stages: _Stages = {RANKER: (recipes.published(settings.ranker), tuple(wanted))}
    return stages | ({LAMBDAMART: (recipes.lambdamart(), compared)} if compared else {})


def _with_second_stages(context: JobContext, current: CurrentModels, stages: _Stages) -> CurrentModels:
    settings = context.settings
    # Whether there is a stage to compare with makes none of them another.
    shared = [settings.ranker.model_dump(exclude={"lambdamart"}), settings.baselines.model_dump()]
    versions = dict(current.versions)
    for name, (recipe, _) in stages.items():
        seen_on = {shelf: recipe.sees(shelf) for shelf in settings.recommend.shelves}
        options = [*shared, recipe.objective, recipe.trees, recipe.options, seen_on]
        versions[name] = model_version(name, context.tables.fingerprints(), options, settings.seed)
    only_at = {name: at for name, (_, at) in stages.items() if at != current.cuts}
    return current.model_copy(update={"versions": versions, "only_at": only_at})


def _windows_to_learn_from(context: JobContext, wanted: Sequence[str]) -> dict[str, list[int]]:
    """Windows that the ranker of each cut learns from; nothing where a cut has too few users in its windows."""
    settings, split = context.settings.ranker, context.settings.split
    positives = context.tables.read("features.positives")
    counted = positives.groupBy("window").agg(F.count_distinct("user_id").alias("users")).collect()
    users_of = {row.window: row.users for row in counted}
    windows = {
        # Of what was foreseen at a cut that knows nothing nobody learns anything.
        cut: [w for w in rehearsed_windows(cut, split, settings.windows) if w in users_of and w < max(users_of)]
        for cut in wanted
    }
    fewest = min(sum(users_of[window] for window in found) for found in windows.values())
    return windows if fewest >= settings.least_users else {}


def _fit_second_stages(
    context: JobContext,
    ranked: CurrentModels,
    manifest: Manifest,
    stages: _Stages,
    windows: Mapping[str, Sequence[int]],
    before: Mapping[int, str],
) -> str | None:
    """Fit the second stages, over the models at the cuts before the windows; or tell why not."""
    settings, shelves = context.settings.ranker, context.settings.recommend.shelves
    too_few = f"fewer than ranker.least_users = {settings.least_users:,} users of past windows to learn from"
    if not windows:
        return too_few
    facts = item_facts(context.tables.read("features.positives"), (*ranked.cuts, *before.values()), manifest.items)
    below = over(ranked.versions)
    rehearsals = {window: _rehearse(context, ranked, window, cut, facts[cut], below) for window, cut in before.items()}
    learned: dict[tuple[str, str], list[Rehearsal]] = {
        (cut, shelf): [rehearsals[window][shelf] for window in found]
        for cut, found in windows.items()
        for shelf in shelves
    }
    # Users with a candidate that became an event.
    if min(sum(len(one.sizes) for one in ones) for ones in learned.values()) < settings.least_users:
        return too_few
    tasks = {
        (name, cut, shelf): (learned[cut, shelf], recipe, seen(recipe, shelf))
        for name, (recipe, at) in stages.items()
        for cut in at
        for shelf in shelves
    }
    boosters = booster.fit_all(tasks, context.settings.seed, context.settings.training.fits_at_once)
    for name, (recipe, at) in stages.items():
        for cut in at:
            of_cut: dict[str, booster.Text] = {shelf: boosters[name, cut, shelf] for shelf in shelves}
            arrays = Ranker.arrays(facts[cut], settings.depth, of_cut, recipe)
            files.write_arrays(f"{ranked.folder(name)}/{cut}/arrays.npz", arrays)
            pairs = sum(len(one.relevant) for shelf in shelves for one in learned[cut, shelf])
            context.say(f"{cut}: {name} fitted on {pairs:,} candidates of {len(windows[cut])} windows")
    return None


def _rehearse(
    context: JobContext, current: CurrentModels, window: int, cut: str, facts: Floats, below: Sequence[str]
) -> dict[str, Rehearsal]:
    settings, tables = context.settings, context.tables
    sequences = tables.read("features.behaviour_sequences").where(F.col("cut") == cut)
    users = with_targets(sequences, tables.read("features.positives"), window)
    some = bounded(users, settings.ranker.users, settings.seed)
    return rehearse(some, current, cut, below, facts, settings.recommend.shelves, settings.ranker, settings.seed)


def _version(model: Model, context: JobContext, manifest: Manifest) -> str:
    settings = context.settings
    if model.deep:
        options = [settings.two_tower.model_dump(), settings.training.ranks]
        return model_version(model.name, {"shards": int(manifest.version, 16)}, options, settings.seed)
    return model_version(model.name, context.tables.fingerprints(), settings.baselines.model_dump(), settings.seed)


def _train_two_tower(context: JobContext, folder: str, manifest: Manifest, wanted: Sequence[str]) -> Counts:
    """Start the ranks once for all cuts, and merge the vectors that they wrote."""
    settings = context.settings
    plan = TrainingPlan(
        shards=context.tables.read_artefact("shards/two_tower"),
        output=folder,
        cuts=tuple(wanted),
        config=settings.two_tower,
        seed=settings.seed,
        checkpoint_steps=settings.training.checkpoint_steps,
    )
    if not all(files.exists(f"{folder}/{cut}/{TRAINING_RECORD}") for cut in wanted):
        plan_uri = f"{folder}/plan.json"
        files.write_bytes(plan_uri, plan.model_dump_json(indent=1).encode())
        launch(settings.training, "sparkrec.training.rank:train_rank", plan_uri, context.say)
    counts: Counts = {}
    for cut in wanted:
        record = CutRecord.model_validate_json(files.read_bytes(f"{folder}/{cut}/{TRAINING_RECORD}"))
        arrays_uri = f"{folder}/{cut}/arrays.npz"
        if not files.exists(arrays_uri):
            files.write_arrays(arrays_uri, _merged(f"{folder}/{cut}", len(record.ranks), manifest.users))
        for rank in record.ranks:
            context.say(
                f"{cut}: rank {rank.rank}  {rank.rows:,} rows  {rank.steps:,} steps x {rank.epochs} epochs  "
                f"weights {rank.checksum}"
            )
        counts[f"samples.{cut}"] = sum(rank.rows for rank in record.ranks)
    return counts


def _merged(folder: str, ranks: int, users: int) -> Arrays:
    items = files.read_arrays(f"{folder}/items.npz")["vectors"]
    vectors = np.zeros((users, items.shape[1]), np.float32)
    for rank in range(ranks):
        part = files.read_arrays(f"{folder}/users-{rank}.npz")
        vectors[part["index"]] = part["vectors"]
    return {"users": vectors, "items": items}
