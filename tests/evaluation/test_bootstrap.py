import math

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from sparkrec.evaluation.bootstrap import GROUP, holm, means_with_intervals
from sparkrec.lake.order import in_one_order

USERS = 300
RANDOM = np.random.default_rng(2)
GOOD = RANDOM.random(USERS)
MODELS = {
    "good": GOOD,
    # A constant better for every user.
    "better": GOOD + 0.25,
    "twice": 2 * GOOD,
    "other": RANDOM.random(USERS),
    "constant": np.full(USERS, 0.3),
}


def _values() -> pd.DataFrame:
    parts = [
        pd.DataFrame({"user_id": [f"u{user}" for user in range(USERS)], "model": name, "value": values})
        for name, values in MODELS.items()
    ]
    few = parts[0][:40].assign(segment="country=Norway")
    return pd.concat([*[part.assign(segment="all") for part in parts], few]).assign(shelf="discover", metric="ndcg@10")


def _means(spark: SparkSession, partitions: int, seed: int = 1, samples: int = 400) -> pd.DataFrame:
    values = in_one_order(spark.createDataFrame(_values()), partitions, "user_id", *GROUP)
    means = means_with_intervals(values, lambda rows: rows, {"discover": "good"}, samples, seed)
    return means.toPandas().set_index(list(GROUP)).sort_index()


@pytest.fixture(scope="module")
def means(spark: SparkSession) -> pd.DataFrame:
    return _means(spark, partitions=1)


def _of(means: pd.DataFrame, model: str, segment: str = "all") -> pd.Series:
    return means.loc[(model, "discover", "ndcg@10", segment)]


def test_means_are_exact_and_of_each_group(means: pd.DataFrame) -> None:
    assert len(means) == len(MODELS) + 1
    for name, values in MODELS.items():
        assert _of(means, name)["value"] == pytest.approx(values.mean(), abs=1e-12)
        assert _of(means, name)["users"] == USERS
    few = _of(means, "good", "country=Norway")
    assert (few["users"], few["value"]) == (40, pytest.approx(GOOD[:40].mean(), abs=1e-12))


def test_intervals_bracket_the_means_and_are_as_wide_as_theory_says(means: pd.DataFrame) -> None:
    for name, values in MODELS.items():
        row = _of(means, name)
        assert row["low"] <= row["value"] + 1e-12
        assert row["value"] <= row["high"] + 1e-12
        expected = 2 * 1.96 * values.std() / np.sqrt(USERS)
        assert row["high"] - row["low"] == pytest.approx(expected, rel=0.2, abs=1e-9)
    few, all_users = _of(means, "good", "country=Norway"), _of(means, "good")
    assert few["high"] - few["low"] > 2 * (all_users["high"] - all_users["low"])


def test_equal_values_have_an_interval_of_no_width(means: pd.DataFrame) -> None:
    row = _of(means, "constant")

    assert row[["value", "low", "high"]].to_list() == pytest.approx([0.3, 0.3, 0.3], abs=1e-12)


def test_how_rows_are_spread_does_not_change_the_figures(spark: SparkSession, means: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(_means(spark, partitions=4), means, check_exact=False, rtol=0, atol=1e-12)


def test_a_user_weighs_the_same_in_every_model(means: pd.DataFrame) -> None:
    good, better, twice = (_of(means, name)[["low", "high"]] for name in ("good", "better", "twice"))

    assert (better - good).to_list() == pytest.approx([0.25, 0.25], abs=1e-9)
    assert (twice / good).to_list() == pytest.approx([2, 2], abs=1e-9)


def test_a_model_is_compared_with_the_published_one_over_the_same_users(means: pd.DataFrame) -> None:
    told = ["difference", "difference_low", "difference_high", "p_value"]

    assert _of(means, "good")[told].isna().all()
    assert _of(means, "good", "country=Norway")[told].isna().all()
    # However much users differ, each is better off by the same; four models are compared with the fifth.
    assert _of(means, "better")[told].to_list() == pytest.approx([0.25, 0.25, 0.25, 4 * 2 / 401], abs=1e-9)
    twice = _of(means, "twice")
    assert twice["difference"] == pytest.approx(GOOD.mean(), abs=1e-12)
    assert twice["difference_low"] < GOOD.mean() < twice["difference_high"]


def test_values_that_differ_by_rounding_do_not_differ(spark: SparkSession) -> None:
    pairs = pd.DataFrame({"good": GOOD, "other": np.nextafter(GOOD, 2)})
    rows = pairs.assign(user_id=[f"u{user}" for user in range(USERS)]).melt("user_id", var_name="model")
    values = spark.createDataFrame(rows.assign(segment="all", shelf="discover", metric="ndcg@10"))

    means = means_with_intervals(values, lambda rows: rows, {"discover": "good"}, 400, 1).toPandas()

    assert means.set_index("model").loc["other", "p_value"] == 1.0


@pytest.mark.parametrize("gain", [0.0, 0.02, 0.04])
def test_a_p_value_is_about_that_of_a_paired_normal_test(spark: SparkSession, gain: float) -> None:
    pairs = pd.DataFrame({"good": GOOD, "other": GOOD + RANDOM.normal(gain, 0.3, USERS)})
    rows = pairs.assign(user_id=[f"u{user}" for user in range(USERS)]).melt("user_id", var_name="model")
    values = spark.createDataFrame(rows.assign(segment="all", shelf="discover", metric="ndcg@10"))

    means = means_with_intervals(values, lambda rows: rows, {"discover": "good"}, 2_000, 1)
    found = means.toPandas().set_index("model").loc["other"]

    apart = (pairs["other"] - pairs["good"]).to_numpy()
    error = apart.std() / np.sqrt(USERS)
    expected = math.erfc(abs(apart.mean()) / error / math.sqrt(2))
    assert found["difference"] == pytest.approx(apart.mean(), abs=1e-12)
    assert found["p_value"] == pytest.approx(expected, abs=0.05)
    assert found["difference_high"] - found["difference_low"] == pytest.approx(2 * 1.96 * error, rel=0.15)


def test_holm_corrects_for_as_many_as_are_left_and_never_turns_the_order_round() -> None:
    assert holm({}) == {}
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.9}) == pytest.approx(
        {"a": 0.04, "c": 0.09, "b": 0.09, "d": 0.9}
    )
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}


def test_another_seed_draws_other_resamples(spark: SparkSession, means: pd.DataFrame) -> None:
    other = _means(spark, partitions=1, seed=2)

    assert _of(other, "good")["value"] == _of(means, "good")["value"]
    assert _of(other, "good")["low"] != _of(means, "good")["low"]


def test_every_user_has_weights_of_its_own() -> None:
    from sparkrec.evaluation.bootstrap import _weights

    # Hashes are signed, and neighbours among them are no likelier to share weights than others.
    users = [0, 1, -1, -2, -1000, 2**63 - 1, -(2**63), 2**40]

    drawn = {tuple(_weights(7, user, 50)) for user in users}

    assert len(drawn) == len(users)
    many = np.concatenate([_weights(7, user, 200) for user in range(100)])
    assert (many.mean(), many.var()) == (pytest.approx(1, abs=0.03), pytest.approx(1, abs=0.05))
