from collections import Counter
from itertools import combinations
from math import sqrt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from sparkrec.features.bought_with import bought_with

BASKETS = {"s1": "abc", "s2": "abd", "s3": "ab", "s4": "cd", "s5": "ccd"}


def _found(spark: SparkSession, baskets: dict[str, str], most: int, **options: int) -> dict[str, list[str]]:
    rows = [(session, item) for session, items in baskets.items() for item in items]
    purchases = spark.createDataFrame(rows, "session_id string, item_id string")
    return {row.item_id: row.bought_with for row in bought_with(purchases, most, **options).collect()}


def test_the_nearest_come_first_and_once_together_is_chance(spark: SparkSession) -> None:
    # a and b share three sessions, c and d two; all other pairs one at most.
    assert _found(spark, BASKETS, 5) == {"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}
    assert _found(spark, BASKETS, 2, min_together=1)["a"] == ["b", "c"]


def test_large_baskets_count_for_nothing(spark: SparkSession) -> None:
    assert _found(spark, {**BASKETS, "s6": "cdef", "s7": "cdef"}, 5, largest_basket=3) == _found(spark, BASKETS, 5)


@pytest.mark.slow
@given(st.lists(st.text("abcdef", max_size=8), max_size=8), st.integers(1, 5))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_like_a_count_of_all_pairs(spark: SparkSession, baskets: list[str], most: int) -> None:
    sets = [sorted(set(basket)) for basket in baskets]
    sessions = Counter(item for items in sets for item in items)
    together = Counter(
        pair for items in sets for one, other in combinations(items, 2) for pair in ((one, other), (other, one))
    )
    expected = {}
    for item in sessions:
        near = [
            (-shared / sqrt(sessions[one] * sessions[other]), other)
            for (one, other), shared in together.items()
            if one == item and shared >= 2
        ]
        if near:
            expected[item] = [other for _, other in sorted(near)[:most]]
    assert _found(spark, {str(number): basket for number, basket in enumerate(baskets)}, most) == expected
