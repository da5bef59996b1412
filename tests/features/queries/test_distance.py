import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.features.queries.distance import osa_distance, osa_distances

WORDS = st.text("abcd", max_size=7)


def by_hand(left: str, right: str) -> int:
    """The dynamic programme as books have it, one pair at a time."""
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) + 1):
        for j in range(len(right) + 1):
            if not i or not j:
                table[i][j] = i + j
                continue
            changed = table[i - 1][j - 1] + (left[i - 1] != right[j - 1])
            table[i][j] = min(changed, table[i - 1][j] + 1, table[i][j - 1] + 1)
            if i > 1 and j > 1 and left[i - 1] == right[j - 2] and left[i - 2] == right[j - 1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_distances_are_those_of_the_dynamic_programme(pairs: list[tuple[str, str]]) -> None:
    left, right = zip(*pairs, strict=True)
    assert osa_distances(left, right).tolist() == [by_hand(*pair) for pair in pairs]


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("mug", "mug", 0),
        ("headphnes", "headphones", 1),
        ("hedaphones", "headphones", 1),
        ("lamps", "lamp", 1),
        ("lomp", "lamp", 1),
        ("", "mug", 3),
        # Damerau's own distance is 2: swapped, and a letter put between the two.
        ("ca", "abc", 3),
        ("süß", "suss", 3),
    ],
)
def test_distances_by_hand(left: str, right: str, distance: int) -> None:
    assert osa_distances([left], [right]).tolist() == [distance]
    assert osa_distances([right, "x"], [left, "x"]).tolist() == [distance, 0]


def test_no_pairs_have_no_distances() -> None:
    assert osa_distances([], []).tolist() == []


def test_columns_of_words_are_measured_pair_by_pair(spark: SparkSession) -> None:
    pairs = spark.createDataFrame([("blakc", "black"), ("тост", "тсот"), ("mug", "rug")], "a string, b string")
    found = pairs.select(osa_distance(F.col("a"), F.col("b")).alias("distance")).collect()
    assert [row.distance for row in found] == [1, 1, 1]
