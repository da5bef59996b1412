import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from sparkrec.evaluation.classification import (
    auc,
    calibration_error,
    confusion,
    gauc,
    log_loss,
    mean_squared_error,
    threshold_metrics,
)

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]


@st.composite
def rows(draw: st.DrawFn) -> Rows:
    """Users, labels of both classes and scores from 0 to 1, as fine or as coarse as leaves many ties."""
    random = np.random.default_rng(draw(st.integers(0, 100_000)))
    size, levels = draw(st.integers(2, 80)), draw(st.sampled_from([1, 2, 5, 50, 10**9]))
    labels = random.integers(0, 2, size)
    labels[:2] = 0, 1
    users = np.array([f"u{user}" for user in random.integers(0, draw(st.integers(1, 12)), size)])
    return users, labels, random.integers(0, levels + 1, size) / levels


@given(rows())
@settings(max_examples=150, deadline=None)
def test_metrics_are_those_of_scikit_learn(drawn: Rows) -> None:
    _, labels, scores = drawn
    foreseen = scores >= 0.5
    precision, recall, f1, _ = sklearn_metrics.precision_recall_fscore_support(
        labels, foreseen, average="binary", zero_division=0
    )

    found = {
        "auc": auc(labels, scores),
        "log_loss": log_loss(labels, scores),
        "mse": mean_squared_error(labels, scores),
        **threshold_metrics(labels, scores),
        **confusion(labels, scores),
    }

    tn, fp, fn, tp = sklearn_metrics.confusion_matrix(labels, foreseen, labels=[0, 1]).ravel()
    assert found == pytest.approx(
        {
            "auc": sklearn_metrics.roc_auc_score(labels, scores),
            "log_loss": sklearn_metrics.log_loss(labels, scores, labels=[0, 1]),
            "mse": sklearn_metrics.mean_squared_error(labels, scores),
            "accuracy": sklearn_metrics.accuracy_score(labels, foreseen),
            "precision": precision,
            "recall": recall,
            "f1": f1,
            "true_positives": tp,
            "false_positives": fp,
            "false_negatives": fn,
            "true_negatives": tn,
        },
        abs=1e-9,
    )
    assert mean_squared_error(labels, scores) == pytest.approx(
        sklearn_metrics.brier_score_loss(labels, scores), abs=1e-9
    )


@given(rows())
@settings(max_examples=100, deadline=None)
def test_gauc_weighs_each_users_auc_by_its_rows(drawn: Rows) -> None:
    users, labels, scores = drawn
    areas = {}
    for user in set(users):
        mine = users == user
        if 0 < labels[mine].sum() < mine.sum():
            areas[user] = sklearn_metrics.roc_auc_score(labels[mine], scores[mine]), mine.sum()

    found = gauc(users, labels, scores)

    if areas:
        total = sum(area * size for area, size in areas.values())
        assert found == pytest.approx(total / sum(size for _, size in areas.values()), abs=1e-9)
    else:
        assert math.isnan(found)


@given(rows(), st.integers(1, 15))
@settings(max_examples=100, deadline=None)
def test_calibration_error_is_how_far_off_the_mean_of_each_bin_is(drawn: Rows, bins: int) -> None:
    _, labels, scores = drawn
    expected = 0.0
    for place in range(bins):
        last = place == bins - 1
        mine = (scores * bins >= place) & ((scores * bins < place + 1) | last)
        if mine.any():
            expected += mine.mean() * abs(labels[mine].mean() - scores[mine].mean())

    assert calibration_error(labels, scores, bins) == pytest.approx(expected, abs=1e-9)


def test_figures_by_hand() -> None:
    labels, scores = np.array([1, 0, 1, 0]), np.array([0.9, 0.5, 0.5, 0.2])

    # Of four pairs three are in order and one is a tie.
    assert auc(labels, scores) == 3.5 / 4
    assert gauc(np.array([7, 7, 8, 8]), labels, scores) == 1.0
    assert calibration_error(labels, scores, bins=1) == pytest.approx(abs(2 - 2.1) / 4)
    assert confusion(labels, scores) == {
        "true_positives": 2,
        "false_positives": 1,
        "false_negatives": 0,
        "true_negatives": 1,
    }
    assert mean_squared_error(np.array([5, 3]), np.array([4.0, 3.5])) == pytest.approx(0.625)


def test_what_is_not_defined_is_nan_and_what_was_not_foreseen_0() -> None:
    ones, scores = np.ones(3, int), np.array([0.1, 0.2, 0.3])

    assert math.isnan(auc(ones, scores))
    assert math.isnan(auc(1 - ones, scores))
    assert math.isnan(auc(np.zeros(0, int), np.zeros(0)))
    assert math.isnan(gauc(np.arange(3), np.array([1, 0, 1]), scores))
    assert threshold_metrics(1 - ones, scores) == {"accuracy": 1.0, "precision": 0.0, "recall": 0.0, "f1": 0.0}
    # Surely wrong is bad, but not infinitely so.
    assert log_loss(np.array([1]), np.array([0.0])) == pytest.approx(-math.log(np.finfo(float).eps))
