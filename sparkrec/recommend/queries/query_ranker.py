"""The ranker of queries' candidates: trees over all features of the pair and of the item."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from sparkrec.config.settings import RankerSettings
from sparkrec.contracts.features import ranking_tables
from sparkrec.contracts.load import load_contract
from sparkrec.features.folds import newest_known
from sparkrec.features.vocabulary import indices_of
from sparkrec.lake import files
from sparkrec.lake.by_files import collected
from sparkrec.recommend.queries.retrievers import RETRIEVERS
from sparkrec.recommend.ranker import booster
from sparkrec.recommend.ranker.booster import Booster, Text
from sparkrec.recommend.ranker.inputs import Read
from sparkrec.recommend.ranker.samples import Samples

QUERY_RANKER = "query_ranker"
QUERY_ITEMS = "features.query_items"
RANKER_FILE = "models/query_ranker.npz"
_TAG = "query_ranking"
_HALVES = (0, 1)
_NAMES = "names"


def query_columns() -> tuple[str, ...]:
    """Features of features.query_items that the ranker sees."""
    return tuple(load_contract(QUERY_ITEMS).tagged(_TAG))


def seen() -> tuple[str, ...]:
    """All features that it sees: those of pairs, and those of items that schema files tag ranking."""
    return (*query_columns(), *(name for columns in ranking_tables("item").values() for name in columns))


def with_item_features(rows: DataFrame, read: Read) -> DataFrame:
    """Rows of features.query_items with the features of their items at their folds, and ``half``: the query's half.

    Args:
        rows: Some of features.query_items.
        read: Gives the tables.
    """
    found = rows.join(
        indices_of(read("features.vocabulary"), "item").select(
            F.col("value").alias("item_id"), F.col("index").alias("item_index")
        ),
        "item_id",
        "left",
    )
    for table, columns in ranking_tables("item").items():
        numbers = [F.col(name).cast("float").alias(name) for name in columns]
        found = found.join(read(table).select("fold", "item_index", *numbers), ["fold", "item_index"], "left")
    half = F.pmod(F.xxhash64("normalised_query"), F.lit(len(_HALVES))).cast("int")
    return found.drop("item_index").withColumn("half", half)


def learnable(rows: DataFrame, most: int, seed: int) -> DataFrame:
    """The labelled candidates of queries that have one which was clicked, of at most so many queries a fold.

    Args:
        rows: features.query_items.
        most: Queries of a fold, drawn by a hash of the seed and the query.
        seed: The seed.
    """
    found = F.coalesce(*[f"place_{name}" for name in RETRIEVERS]).isNotNull()
    labelled = rows.where(found & F.col("label").isNotNull())
    queries = labelled.groupBy("fold", "normalised_query").agg(F.max("label").alias("best")).where("best > 0")
    by_lot = Window.partitionBy("fold").orderBy(F.xxhash64(F.lit(seed), "normalised_query"), "normalised_query")
    drawn = queries.withColumn("place", F.row_number().over(by_lot)).where(F.col("place") <= most)
    return labelled.join(drawn.select("fold", "normalised_query"), ["fold", "normalised_query"], "left_semi")


def fit_query_ranker(
    rows: DataFrame, folds: Sequence[str], settings: RankerSettings, seed: int, scratch: str
) -> dict[str, Text]:
    """Learn at each fold from the labelled candidates of the folds before it.

    At a fold that is measured, the queries of one half are ranked by what was learned from the other half: no query
    stands on both sides.

    Args:
        rows: Some of features.query_items that are `learnable`, `with_item_features`.
        folds: Where a ranker is wanted.
        settings: Of trees.
        seed: Seed of the trees.
        scratch: Folder for files that are gone afterwards.

    Returns:
        By ``<fold>/<half>`` the trees; a fold where either half has fewer than ``min_users`` queries to learn from has
        none.
    """
    names = seen()
    key = ["fold", "normalised_query", "item_id"]
    table = collected(rows.select(*key, "half", "label", *names), scratch)
    table = table.sort_by([(name, "ascending") for name in key])
    features = np.stack([table[name].to_numpy().astype(np.float32) for name in names], axis=1)
    labels, half = table["label"].to_numpy() > 0, table["half"].to_numpy()
    of_fold = np.array(table["fold"].to_pylist())
    groups = table.select(key[:2]).to_pandas().groupby(key[:2], sort=False).ngroup().to_numpy()
    found: dict[str, Text] = {}
    options = booster.tree_options(settings, seed)
    for fold in folds:
        # What came to be known of the window after a fold is known where that window is.
        known = [name for name in dict.fromkeys(of_fold) if newest_known(name) - 1 >= newest_known(fold)]
        teaching = {asked: np.isin(of_fold, known) & ((half != asked) | (fold == "publish")) for asked in _HALVES}
        sizes = {asked: np.unique(groups[kept], return_counts=True)[1] for asked, kept in teaching.items()}
        if min(map(len, sizes.values())) < settings.min_users:
            continue
        for asked, kept in teaching.items():
            windows = np.zeros(np.count_nonzero(kept), np.int32)
            samples = Samples(names, features[kept], labels[kept], windows, sizes[asked].astype(np.int64))
            found[f"{fold}/{asked}"] = booster.fit(samples, names, "rank_xendcg", settings.trees, options)
    return found


def write_query_ranker(uri: str, trees: Mapping[str, Text]) -> None:
    """Write what `fit_query_ranker` gave, and which features it sees."""
    names = np.frombuffer(json.dumps(seen()).encode(), np.uint8)
    files.write_arrays(uri, {_NAMES: names, **trees})


def version_of(uri: str) -> str:
    """First 12 hex digits of the SHA-256 of what the file holds."""
    digest = hashlib.sha256()
    for name, array in sorted(files.read_arrays(uri).items()):
        digest.update(name.encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:12]


def fitted_at(uri: str) -> set[str]:
    """Folds that have a ranker."""
    arrays = files.read_arrays(uri) if files.exists(uri) else {}
    return {name.partition("/")[0] for name in arrays if name != _NAMES}


def with_query_ranker(rows: DataFrame, uri: str, fold: str) -> DataFrame:
    """Candidates of a fold with the ranker's score, in ``query_ranker``, instead of the features of the items.

    Args:
        rows: features.query_items of the fold, `with_item_features`.
        uri: Where the ranker lies.
        fold: The fold.
    """
    gone = {"half", *(name for columns in ranking_tables("item").values() for name in columns)}
    kept = [name for name in rows.columns if name not in gone]
    schema = rows.select(kept).schema.add(QUERY_RANKER, "double")
    version = version_of(uri)

    def score(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        names, trees = _load(uri, fold, version)
        for batch in batches:
            scores = np.full(len(batch), np.nan)
            for half, of_half in trees.items():
                mine = (batch["half"] == half).to_numpy()
                if mine.any():
                    scores[mine] = of_half.predict(batch.loc[mine, [*names]].to_numpy(np.float32))
            yield batch[kept].assign(**{QUERY_RANKER: scores})

    return rows.mapInPandas(score, schema)


def read_trees(uri: str, fold: str) -> tuple[tuple[str, ...], dict[int, Booster]]:
    """The features that the ranker of a fold sees, and its trees for each half of the queries."""
    arrays = files.read_arrays(uri)
    names = tuple(json.loads(arrays[_NAMES].tobytes()))
    return names, {half: Booster(arrays[f"{fold}/{half}"]) for half in _HALVES if f"{fold}/{half}" in arrays}


@lru_cache(maxsize=1)
def _load(uri: str, fold: str, version: str) -> tuple[tuple[str, ...], dict[int, Booster]]:
    """Workers stay, and the file may be another one than that which they read before: the version tells."""
    return read_trees(uri, fold)
