"""Where labels are pure noise, what rankers see of candidates predicts nothing; with models of the end it does."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.config.settings import BaselineSettings, RankerSettings, SplitSettings
from sparkrec.contracts.features import ranking_columns
from sparkrec.features.behaviour_sequences import behaviour_sequences
from sparkrec.features.folds import known_at, with_split
from sparkrec.features.item_activity import item_activity
from sparkrec.lake.order import in_one_order
from sparkrec.recommend.loaded import with_model_inputs
from sparkrec.recommend.models import FitData, model_named
from sparkrec.recommend.ranker.backtest import backtest
from sparkrec.recommend.ranker.inputs import item_features
from sparkrec.recommend.ranker.rankers import rankers_named
from sparkrec.recommend.ranker.samples import Samples
from sparkrec.recommend.targets import with_targets
from sparkrec.registry.model_store import CurrentModels

USERS, ITEMS, DAYS, EVENTS = 1_500, 200, 120, 75_000
START = pd.Timestamp("2026-01-01")
SPLIT = SplitSettings(kind="global_time", holdout_days=30)
# All that rankers stand on but for titles, of which noise has none.
MODELS = ("popularity", "ease_decayed", "ease", "als", "recent_neighbours", "recent_popularity")
MODELS += ("own_frequency_decayed",)
COLUMNS = ranking_columns()
LEARNED, LATER = 2, 1
"""Windows that trees learn from, and that they predict."""


@dataclass(frozen=True)
class Log:
    """What a lake knows of purchases of anything by anybody at any time."""

    positives: DataFrame
    sequences: DataFrame
    activity: DataFrame
    current: CurrentModels
    scratch: str

    def read(self, table: str) -> DataFrame:
        """The one table of features of items."""
        assert table == "features.item_activity"
        return self.activity


@pytest.fixture(scope="module")
def log(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Log:
    chance = np.random.default_rng(20260101)
    lines = pd.DataFrame(
        {
            "event_id": [f"e{number:06}" for number in range(EVENTS)],
            "user_index": chance.integers(2, USERS + 2, EVENTS, np.int32),
            "item_index": chance.integers(2, ITEMS + 2, EVENTS, np.int32),
            "event_time": START + pd.to_timedelta(chance.integers(0, DAYS * 86_400, EVENTS), unit="s"),
            "unit_price": chance.uniform(1, 50, EVENTS).round(2),
        }
    )
    lines["event_time"] = lines["event_time"].astype("datetime64[us]")
    events = spark.createDataFrame(lines).withColumns(
        {
            "user_id": F.concat(F.lit("u"), F.col("user_index")),
            "item_id": F.concat(F.lit("i"), F.col("item_index")),
            "known_time": F.col("event_time"),
        }
    )
    positives = with_split(events, SPLIT).localCheckpoint()
    nothing = positives.where("false")
    at = ["validation", "publish", "back_3"]
    sequences = behaviour_sequences(positives, nothing, SPLIT, 16, ["back_3"]).localCheckpoint()
    root = str(tmp_path_factory.mktemp("models"))
    current = CurrentModels(
        root=root, versions=dict.fromkeys(MODELS, "v1"), folds=tuple(at), items=ITEMS + 2, left_out={}
    )
    for fold in at:
        data = FitData(
            known=positives.where(known_at(fold)),
            sequences=in_one_order(sequences.where(F.col("fold") == fold), 2, "user_id").persist(),
            item_text=nothing,
            users=USERS + 2,
            items=ITEMS + 2,
            settings=BaselineSettings(als_iterations=2, als_factors=8),
            seed=1,
            scratch=f"{root}/scratch-{fold}",
        )
        for name in MODELS:
            fit = model_named(name).fit
            assert fit is not None
            fit(data).write(current.folder_at(name, fold))
        data.release()
    return Log(positives, sequences, item_activity(positives, at).localCheckpoint(), current, f"{root}/scratch")


def samples_of(log: Log, window: int, fold: str) -> Samples:
    """Candidates of a window by what a fold knows; which fold that is is the one thing that the two tests vary."""
    sequences = log.sequences.where(F.col("fold") == fold).drop("fold")
    users = with_targets(with_model_inputs(sequences, log.current, fold, MODELS, log.read), log.positives, window)
    of_items = item_features(log.read, [fold], log.current.items, log.scratch)[fold]
    some = in_one_order(users, 2, "user_id")
    rows = backtest(
        some,
        log.current,
        window,
        fold,
        MODELS,
        of_items,
        COLUMNS,
        ["reorder"],
        RankerSettings(depth=60, negatives=150),
        seed=1,
    )
    return Samples.read(rows, "reorder", COLUMNS, log.scratch)


def auc(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under the ROC curve: the share of pairs of a 1 and a 0 that are in order, ties for half (Mann-Whitney)."""
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    ones, zeros = labels.sum(), (~labels).sum()
    return float((rank[labels].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def predicted(learned: Samples, later: Samples) -> float:
    """AUC on later samples of the trees that lists are published by."""
    ranker = rankers_named()["ranker"]
    assert ranker.fit is not None
    text = ranker.fit(learned, COLUMNS, RankerSettings(trees=60, min_rows=100), 1)
    ones, zeros = later.relevant.sum(), (~later.relevant).sum()
    # Of an AUC of chance, by Hanley and McNeil (1982); so that a hundredth is more than three of them.
    assert np.sqrt((ones + zeros + 1) / (12 * ones * zeros)) < 0.0033
    return auc(later.relevant, ranker.load(text).predict(later.features).astype(np.float64))


def test_auc_is_the_share_of_pairs_in_order() -> None:
    labels = np.array([True, False, True, False])
    assert auc(labels, np.array([0.9, 0.1, 0.8, 0.2])) == 1.0
    assert auc(labels, np.array([0.1, 0.9, 0.2, 0.8])) == 0.0
    assert auc(labels, np.array([0.5, 0.5, 0.5, 0.5])) == 0.5
    assert auc(labels, np.array([0.9, 0.9, 0.1, 0.2])) == 0.375


def test_nothing_predicts_noise(compiled: None, log: Log) -> None:
    learned, later = samples_of(log, LEARNED, "back_3"), samples_of(log, LATER, "validation")
    told = [name for place, name in enumerate(COLUMNS) if np.isfinite(later.features[:, place]).any()]
    assert {"score_ease", "place_als", "own_gap_days", "user_items", "price_by_usual", "buyers_28"} <= set(told)

    assert predicted(learned, later) == pytest.approx(0.5, abs=0.01)


def test_models_that_know_the_end_predict_even_noise(compiled: None, log: Log) -> None:
    assert predicted(samples_of(log, LEARNED, "publish"), samples_of(log, LATER, "publish")) > 0.65
