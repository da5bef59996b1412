"""Metrics of single rows on Spark, beside numpy's."""

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from sparkrec.evaluation.classification import (
    auc,
    calibration_error,
    confusion,
    gauc,
    log_loss,
    mean_squared_error,
    threshold_metrics,
)
from sparkrec.evaluation.classification_tables import classification_metrics, rating_metrics

THRESHOLD, BINS = 0.4, 7


def _rows() -> pd.DataFrame:
    random = np.random.default_rng(6)
    parts = []
    # Scores of few values have ties; scores of one value nothing but.
    for model, levels in (("fine", 10**9), ("coarse", 10), ("yes or no", 1), ("constant", 0)):
        users = random.integers(0, 25, 400)
        scores = random.integers(0, levels + 1, 400) / max(levels, 1)
        labels = (random.random(400) < 0.2 + 0.5 * scores * (users % 2)).astype(int)
        parts.append(pd.DataFrame({"model": model, "user_id": users, "label": labels, "score": scores}))
    parts.append(parts[0].assign(model="only positives", label=1))
    # Each user's rows are of one class, though all rows together are not.
    parts.append(parts[1].assign(model="one class a user", label=parts[1]["user_id"] % 2))
    return pd.concat(parts).assign(user_id=lambda rows: "u" + rows["user_id"].astype(str))


def test_figures_are_those_of_numpy(spark: SparkSession) -> None:
    rows = _rows()
    expected: dict[tuple[str, str], float] = {}
    for model, of_model in rows.groupby("model"):
        users, labels, scores = (of_model[name].to_numpy() for name in ("user_id", "label", "score"))
        values = {
            "auc": auc(labels, scores),
            "gauc": gauc(users, labels, scores),
            "log_loss": log_loss(labels, scores),
            "calibration_error": calibration_error(labels, scores, BINS),
            "mse": mean_squared_error(labels, scores),
            **threshold_metrics(labels, scores, THRESHOLD),
            **confusion(labels, scores, THRESHOLD),
        }
        expected |= {(model, name): value for name, value in values.items()}

    frame = spark.createDataFrame(rows).repartition(4)
    table = classification_metrics(frame, THRESHOLD, BINS).toPandas()

    found = table.set_index(["model", "metric"])["value"]
    assert found.index.is_unique
    assert found.to_dict() == pytest.approx(expected, abs=1e-9, nan_ok=True)
    undefined = {key for key, value in expected.items() if np.isnan(value)}
    assert undefined == {("only positives", "auc"), ("only positives", "gauc"), ("one class a user", "gauc")}
    assert 0.5 < expected["fine", "auc"] < 0.8


def test_ratings_have_their_mean_squared_error(spark: SparkSession) -> None:
    rows = pd.DataFrame({"model": ["a", "a", "b"], "label": [5, 3, 1], "score": [4.0, 3.5, 1.0]})

    found = [tuple(row) for row in rating_metrics(spark.createDataFrame(rows)).orderBy("model").collect()]

    assert found == [("a", "mse", pytest.approx(0.625)), ("b", "mse", 0.0)]
