"""Training samples to Petastorm shards."""

import hashlib
import json

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.contracts.features import model_inputs
from sparkrec.features.effective_split import effective_split
from sparkrec.features.fixed_length import pad_behind, pad_front
from sparkrec.features.folds import KNOWN_SPLITS, folds, known_at
from sparkrec.features.sequence_windows import sequence_windows
from sparkrec.features.vocabulary import FIRST
from sparkrec.file_systems import subfolders
from sparkrec.lake import files
from sparkrec.shards.manifest import Manifest
from sparkrec.shards.write import describe_datasets, write_dataset
from sparkrec.steps.context import Counts, JobContext

_MODEL, _SAMPLES = "two_tower", "features.retrieval_samples"


def run(context: JobContext) -> Counts:
    """Write train, held-out, user and item data sets of each fold, then the manifest that makes them current.

    Shards that were made from the same rows by the same settings stay.
    """
    tables = context.tables
    split = effective_split(tables.read("features.positives"), context.settings.split).split
    settings = context.settings.model_copy(update={"split": split})
    root = tables.write_artefact("shards/retrieval")
    samples = tables.read(_SAMPLES)
    sequences = tables.read("features.behaviour_sequences")
    text = tables.read("features.item_text")
    vocabulary = tables.read("features.vocabulary")
    length, words = settings.features.history_length, settings.features.title_words
    deep = [settings.deep(model) for model in settings.training.models]
    with_windows = any(config.trained_on == "windows" for config in deep)
    version = _version(
        tables.fingerprints(_SAMPLES, "features.behaviour_sequences", "features.item_text", "features.vocabulary"),
        [f"{feature.name} {feature.version}" for feature in model_inputs(_MODEL, _SAMPLES)]
        + with_windows * ["windows"],
        # Of the training only the ranks matter here: how it goes makes no other shards.
        settings.model_dump_json(
            include={"seed": True, "split": True, "features": True, "shards": True, "training": {"ranks"}}
        ),
    )
    earlier = Manifest.find(root)
    if earlier and earlier.version == version and earlier.is_complete(root):
        return _counts(earlier)

    sizes = {
        row.feature: row.rows for row in vocabulary.groupBy("feature").agg((F.max("index") + 1).alias("rows")).collect()
    }
    by_split = {row.split: row["count"] for row in samples.groupBy("split").count().collect()}
    users_of = {row.fold: row["count"] for row in sequences.groupBy("fold").count().collect()}

    names: list[str] = []

    def write(name: str, rows: DataFrame, total: int, key: str) -> None:
        ranks, groups = settings.training.ranks, settings.shards.row_groups
        write_dataset(rows, total, root, f"{version}/{name}", key, groups, ranks, settings.seed)
        names.append(name)

    for fold in folds(split):
        known = samples.where(F.col("split").isin(list(KNOWN_SPLITS[fold])))
        total = sum(by_split.get(name, 0) for name in KNOWN_SPLITS[fold])
        share = known.groupBy("item_index").agg(F.log(F.count(F.lit(1)) / F.lit(total)).cast("float").alias("log_q"))
        write(f"{fold}/train", _model_inputs(known, share), total, "event_id")
        if with_windows:
            windows = sequence_windows(tables.read("features.positives").where(known_at(fold)), length).persist()
            # Computed once for their number and what is written.
            write(f"{fold}/windows", windows, windows.count(), "window_id")
            windows.unpersist()
        if fold == "validation" and by_split.get("validation"):
            held_out = samples.where(F.col("split") == "validation")
            seen = _model_inputs(held_out, share)
            write(f"{fold}/held_out", seen, by_split["validation"], "event_id")
        history = pad_front(F.col("sequence"), length).alias("history")
        users = sequences.where(F.col("fold") == fold).select("user_id", "user_index", history)
        write(f"{fold}/users", users, users_of.get(fold, 0), "user_id")
    item_words = pad_behind(F.col("word_indices"), words).alias("item_words")
    items = text.select("item_id", "item_index", item_words)
    write("items", items, sizes["item"] - FIRST, "item_id")

    described = describe_datasets(context.spark, root, [f"{version}/{name}" for name in names])
    datasets = {name: described[f"{version}/{name}"] for name in names}
    manifest = Manifest(
        version=version,
        inputs=tables.read_versions,
        seed=settings.seed,
        history_length=length,
        title_words=words,
        users=sizes["user"],
        items=sizes["item"],
        words=sizes.get("word", FIRST),
        datasets=datasets,
        checksum=Manifest.checksum_of(list(datasets.values())),
    )
    manifest.write(root)
    # Only now does nobody read the earlier ones.
    for folder in subfolders(root):
        if folder != version:
            files.delete_folder(f"{root}/{folder}")
    return _counts(manifest)


def _counts(manifest: Manifest) -> Counts:
    return {name.replace("/", "."): data.rows for name, data in manifest.datasets.items()}


def _model_inputs(samples: DataFrame, share: DataFrame) -> DataFrame:
    """What the model reads, and the item to predict; items that the fold does not know have no share and are left out.

    The model's inputs are those of the registry that have its tag.
    """
    inputs = [feature.column for feature in model_inputs(_MODEL, _SAMPLES)]
    return samples.join(share, "item_index", "inner").select("event_id", *inputs, "item_index", "log_q")


def _version(inputs: dict[str, int], features: list[str], settings: str) -> str:
    return hashlib.sha256(json.dumps([inputs, features, settings], sort_keys=True).encode()).hexdigest()[:12]
