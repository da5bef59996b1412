"""Train the deep model by Horovod and fit the baselines, at each cut."""

from collections.abc import Sequence

import numpy as np
from pyspark.sql import functions as F

from sparkrec.features.parts import KNOWN_PARTS, cuts
from sparkrec.lake import files
from sparkrec.lake.files import Arrays
from sparkrec.recommend.models import MODELS, FitData, Model
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
    positives = tables.read("features.positives")
    sequences = tables.read("features.behaviour_sequences")
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
        data = FitData(
            known=positives.where(F.col("part").isin(list(KNOWN_PARTS[cut]))),
            sequences=sequences.where(F.col("cut") == cut),
            users=manifest.users,
            items=manifest.items,
            settings=settings.baselines,
            seed=settings.seed,
        )
        for model in fitted:
            arrays_uri = f"{current.folder(model.name)}/{cut}/arrays.npz"
            if model.fit and not files.exists(arrays_uri):
                files.write_arrays(arrays_uri, model.fit(data))
        context.say(f"{cut}: {len(fitted) - 1} baselines fitted")
    current.write(uri)
    return counts


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
