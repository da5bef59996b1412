"""Train the deep model by Horovod, fit the baselines and the ranker over them, at each cut."""

from collections.abc import Sequence

import numpy as np
from pyspark.sql import functions as F

from sparkrec.features.parts import cut_that_knows, cuts, known_at, rehearsed_windows
from sparkrec.lake import files
from sparkrec.lake.files import Arrays
from sparkrec.recommend.models import MODELS, RANKER, FitData, Model, model_named
from sparkrec.recommend.ranker import booster
from sparkrec.recommend.ranker.booster import Rehearsal
from sparkrec.recommend.ranker.item_facts import item_facts
from sparkrec.recommend.ranker.ranker import OVER, Ranker
from sparkrec.recommend.ranker.rehearsal import rehearse
from sparkrec.recommend.targets import bounded, with_targets
from sparkrec.recommend.users import Floats
from sparkrec.registry.model_store import CurrentModels, model_version
from sparkrec.shards.manifest import Manifest
from sparkrec.steps.context import Counts, JobContext
from sparkrec.training.distributed import launch
from sparkrec.training.plan import TRAINING_RECORD, CutRecord, TrainingPlan


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
    for cut in wanted:
        _fit(context, current, manifest, cut, [model for model in fitted if model.fit])
    current = _with_ranker(context, current, manifest)
    current.write(uri)
    return counts


def _fit(context: JobContext, current: CurrentModels, manifest: Manifest, cut: str, models: Sequence[Model]) -> None:
    """Fit the models at the cut; arrays that are already there stay."""
    settings, tables = context.settings, context.tables
    data = FitData(
        known=tables.read("features.positives").where(known_at(cut)),
        sequences=tables.read("features.behaviour_sequences").where(F.col("cut") == cut),
        item_text=tables.read("features.item_text"),
        users=manifest.users,
        items=manifest.items,
        settings=settings.baselines,
        seed=settings.seed,
    )
    for model in models:
        arrays_uri = f"{current.folder(model.name)}/{cut}/arrays.npz"
        if model.fit and not files.exists(arrays_uri):
            files.write_arrays(arrays_uri, model.fit(data))
    context.say(f"{cut}: {len(models)} baselines fitted")


def _with_ranker(context: JobContext, current: CurrentModels, manifest: Manifest) -> CurrentModels:
    """Fit the ranker at every cut, and the models that it stands on at the cuts before the windows it learns from."""
    settings, split = context.settings.ranker, context.settings.split
    options = [settings.model_dump(), context.settings.baselines.model_dump(), context.settings.recommend.shelves]
    version = model_version(RANKER, context.tables.fingerprints(), options, context.settings.seed)
    ranked = current.model_copy(update={"versions": {**current.versions, RANKER: version}})
    if all(files.exists(f"{ranked.folder(RANKER)}/{cut}/arrays.npz") for cut in current.cuts):
        return ranked

    positives = context.tables.read("features.positives")
    counted = positives.groupBy("window").agg(F.count_distinct("user_id").alias("users")).collect()
    users_of = {row.window: row.users for row in counted}
    windows = {
        # Of what was foreseen at a cut that knows nothing nobody learns anything.
        cut: [w for w in rehearsed_windows(cut, split, settings.windows) if w in users_of and w < max(users_of)]
        for cut in current.cuts
    }
    fewest = min(sum(users_of[window] for window in found) for found in windows.values())
    if fewest < settings.least_users:
        return _without_ranker(current, fewest)

    before = {window: cut_that_knows(window + 1) for window in sorted({w for found in windows.values() for w in found})}
    below = [model for model in MODELS if model.name in OVER and model.name in current.versions]
    for cut in before.values():
        if cut not in current.cuts:
            _fit(context, current, manifest, cut, [*below, model_named("popularity")])
    facts = item_facts(positives, (*current.cuts, *before.values()), manifest.items)
    rehearsals = {
        window: _rehearse(context, current, window, cut, facts[cut], [model.name for model in below])
        for window, cut in before.items()
    }
    learned: dict[tuple[str, str], list[Rehearsal]] = {
        (cut, shelf): [rehearsals[window][shelf] for window in found]
        for cut, found in windows.items()
        for shelf in context.settings.recommend.shelves
    }
    # Users with a candidate that became an event.
    fewest = min(sum(len(one.sizes) for one in ones) for ones in learned.values())
    if fewest < settings.least_users:
        return _without_ranker(current, fewest)
    fitted = booster.fit_all(learned, settings, context.settings.seed)
    for cut in current.cuts:
        boosters: dict[str, booster.Text] = {shelf: fitted[cut, shelf] for shelf in context.settings.recommend.shelves}
        arrays = Ranker.arrays(facts[cut], settings.depth, boosters)
        files.write_arrays(f"{ranked.folder(RANKER)}/{cut}/arrays.npz", arrays)
        pairs = sum(len(one.relevant) for shelf in boosters for one in learned[cut, shelf])
        context.say(f"{cut}: ranker fitted on {pairs:,} candidates of {len(windows[cut])} windows")
    return ranked


def _without_ranker(current: CurrentModels, users: int) -> CurrentModels:
    reason = f"{users:,} users of past windows to learn from are fewer than ranker.least_users"
    return current.model_copy(update={"left_out": {**current.left_out, RANKER: reason}})


def _rehearse(
    context: JobContext, current: CurrentModels, window: int, cut: str, facts: Floats, below: Sequence[str]
) -> dict[str, Rehearsal]:
    settings, tables = context.settings, context.tables
    sequences = tables.read("features.behaviour_sequences").where(F.col("cut") == cut)
    users = with_targets(sequences, tables.read("features.positives"), window)
    some = bounded(users, settings.ranker.users, settings.seed)
    return rehearse(some, current, cut, below, facts, settings.recommend.shelves, settings.ranker.depth)


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
