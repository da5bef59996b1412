"""Where labels are pure noise, features from before the moment predict nothing; features from after it do."""

from dataclasses import dataclass

import lightgbm
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.config.settings import SplitSettings
from sparkrec.contracts import load_contract
from sparkrec.features.day_facts import pair_days
from sparkrec.features.folds import with_split
from sparkrec.features.labelled_pairs import impression_pairs
from sparkrec.features.ranking_samples import ranking_samples

USERS, ITEMS, DAYS, SHOWINGS = 250, 250, 100, 64_000
START = pd.Timestamp("2026-01-01")
SPLIT = SplitSettings(kind="global_time", holdout_days=30)
# Every number that features.ranking_samples registers as known before the event.
NUMBERS = [
    name
    for name, column in load_contract("features.ranking_samples").columns.items()
    if "numeric" in column.tags and column.feature and column.feature.leakage == "before_event"
]
OF_HISTORY = ("history_events", "history_had", "history_had_last", "history_last_type", "history_last_gap")


@dataclass(frozen=True)
class Log:
    """Showings and what came of them: every second, whoever saw whatever whenever, is taken by the toss of a coin."""

    events: DataFrame
    positives: DataFrame
    returns: DataFrame


@pytest.fixture(scope="module")
def log(spark: SparkSession) -> Log:
    chance = np.random.default_rng(20260101)
    impressions = pd.DataFrame(
        {
            "user": chance.integers(0, USERS, SHOWINGS),
            "item": chance.integers(0, ITEMS, SHOWINGS),
            "second": chance.integers(0, DAYS * 86_400, SHOWINGS),
            "position": chance.integers(1, 20, SHOWINGS).astype("int32"),
            "unit_price": chance.uniform(1, 50, SHOWINGS).round(2),
            "event_type": "impression",
        }
    )
    taken = impressions[chance.random(SHOWINGS) < 0.5].assign(position=None)
    taken = taken.assign(
        second=taken["second"] + 20, event_type=chance.choice(["click", "cart", "purchase"], len(taken))
    )
    lines = pd.concat([impressions, taken], ignore_index=True)
    lines["session_id"] = (
        lines["user"].astype(str)
        + " "
        + (impressions["second"] // 86_400)
        .reindex(np.concatenate([impressions.index, taken.index]))
        .astype(str)
        .to_numpy()
    )
    lines["event_id"] = [f"e{number:06}" for number in range(len(lines))]
    lines["event_time"] = (START + pd.to_timedelta(lines["second"], unit="s")).astype("datetime64[us]")
    events = spark.createDataFrame(lines.drop(columns="second")).select(
        "event_id", "event_type", "event_time", "session_id", "unit_price", F.col("position").cast("int"),
        F.concat(F.lit("u"), F.col("user")).alias("user_id"), (F.col("user") + 2).cast("int").alias("user_index"),
        F.concat(F.lit("i"), F.col("item")).alias("item_id"), (F.col("item") + 2).cast("int").alias("item_index"),
    )  # fmt: skip
    events = events.withColumn("positive", F.col("event_type") != "impression").localCheckpoint()
    taken_events = events.where("positive").withColumn("known_time", F.col("event_time"))
    positives = with_split(taken_events, SPLIT).localCheckpoint()
    # Some of what was taken comes back days later.
    returns = positives.where(F.xxhash64("event_id") % 10 == 0).select(
        "user_index", "item_index", (F.col("event_time") + F.expr("interval 5 days")).alias("known_time")
    )
    return Log(events, positives, returns)


def samples_of(log: Log, known_at: Column) -> pd.DataFrame:
    """Samples as they are known at a time; it is the one thing that the two tests give otherwise."""
    users = log.positives.select("user_id", "user_index").distinct()
    items = log.positives.select("item_id", "item_index").distinct()
    pairs = impression_pairs(log.events, users, items, log.positives, SPLIT).withColumn("started", known_at)
    samples = ranking_samples(pairs, log.positives, pair_days(log.positives, log.returns), 16)
    had, length = F.col("history") == F.col("item_index"), F.size(F.array_remove("history", 0))
    had = F.array_contains("history", F.col("item_index"))
    of_history = dict(
        zip(
            OF_HISTORY,
            (
                length,
                had.cast("int"),
                (F.col("history")[15] == F.col("item_index")).cast("int"),
                F.col("history_types")[15],
                F.col("history_gaps")[15],
            ),
            strict=True,
        )
    )
    return samples.select(
        "split", "label", "position", *NUMBERS, *[v.alias(n) for n, v in of_history.items()]
    ).toPandas()


def auc(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Area under the ROC curve: the share of pairs of a 1 and a 0 that are in order, ties for half (Mann-Whitney)."""
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    ones, zeros = labels.sum(), (~labels).sum()
    return float((rank[labels].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def predicted(samples: pd.DataFrame) -> float:
    """AUC on the later splits of trees that were fitted on the training split."""
    train, later = samples[samples["split"] == "train"], samples[samples["split"] != "train"]
    features = ["position", *NUMBERS, *OF_HISTORY]
    options = {
        "objective": "binary", "num_leaves": 31, "learning_rate": 0.1, "min_data_in_leaf": 50, "num_threads": 2,
        "seed": 1, "deterministic": True, "force_row_wise": True, "verbose": -1,
    }  # fmt: skip
    data = lightgbm.Dataset(train[features].to_numpy(np.float64), train["label"].to_numpy())
    booster = lightgbm.train(options, data, num_boost_round=60)
    labels = later["label"].to_numpy() == 1
    ones, zeros = labels.sum(), (~labels).sum()
    # Of an AUC of chance, by Hanley and McNeil (1982); so that a hundredth is more than three of them.
    assert np.sqrt((ones + zeros + 1) / (12 * ones * zeros)) < 0.003
    assert len(train) > 15_000
    return auc(labels, np.asarray(booster.predict(later[features].to_numpy(np.float64))))


def test_auc_is_the_share_of_pairs_in_order() -> None:
    labels = np.array([True, False, True, False])
    assert auc(labels, np.array([0.9, 0.1, 0.8, 0.2])) == 1.0
    assert auc(labels, np.array([0.1, 0.9, 0.2, 0.8])) == 0.0
    assert auc(labels, np.array([0.5, 0.5, 0.5, 0.5])) == 0.5
    assert auc(labels, np.array([0.9, 0.9, 0.1, 0.2])) == 0.375


def test_nothing_predicts_noise(compiled: None, log: Log) -> None:
    assert predicted(samples_of(log, F.col("started"))) == pytest.approx(0.5, abs=0.01)


def test_features_as_of_the_end_predict_even_noise(compiled: None, log: Log) -> None:
    end = START + pd.Timedelta(days=DAYS + 10)

    assert predicted(samples_of(log, F.lit(end.to_pydatetime()))) > 0.7
