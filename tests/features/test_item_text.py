import math
from collections import Counter

import numpy as np
import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from sparkrec.features.item_text import item_text

TITLES = {
    "a": ["red", "mug", "red"],
    "b": ["red", "tin"],
    "c": ["cake", "tin", "rare"],
    "d": ["rare"],
    "e": [],
    "f": None,
    "g": ["blue", "mug", "tin", "cake"],
}
WORDS = ["blue", "cake", "mug", "red", "tin"]


def tf_idf(titles: dict[str, list[str]], words: list[str]) -> dict[str, dict[str, float]]:
    """What TfidfVectorizer(vocabulary=words) of scikit-learn gives: smooth idf, rows of Euclidean length 1."""
    holders = Counter(word for title in titles.values() for word in set(title))
    idf = {word: math.log((1 + len(titles)) / (1 + holders[word])) + 1 for word in words}
    vectors = {}
    for item, title in titles.items():
        weights = {word: count * idf[word] for word, count in Counter(title).items() if word in idf}
        length = math.hypot(*weights.values())
        vectors[item] = {word: weight / length for word, weight in weights.items()}
    return vectors


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> dict[str, Row]:
    numbered = [("item", item, 10 + n) for n, item in enumerate([*TITLES, "no longer sold"])]
    numbered += [("word", word, 2 + n) for n, word in enumerate(WORDS)] + [("user", "a", 2)]
    vocabulary: DataFrame = spark.createDataFrame(numbered, "feature string, value string, index int")
    items = spark.createDataFrame(
        [(item, item.upper(), title) for item, title in TITLES.items() if title is not None]
        + [("not in the vocabulary", "RED", ["red", "tin"])],
        "item_id string, title string, title_words array<string>",
    )
    found = item_text(items, vocabulary).collect()
    assert len(found) == len(TITLES) + 1
    return {row.item_id: row for row in found}


def test_weights_are_those_of_smooth_tf_idf_at_unit_length(rows: dict[str, Row]) -> None:
    titles = {item: title or [] for item, title in TITLES.items()} | {"no longer sold": []}

    found = {item: dict(zip(row.words, row.weights, strict=True)) for item, row in rows.items()}

    expected = tf_idf(titles, WORDS)
    assert found.keys() == expected.keys()
    for item, weights in expected.items():
        assert found[item] == pytest.approx(weights, rel=1e-6)
    # By hand: 8 items, red in 2 and twice in this title, mug in 2.
    red, mug = 2 * (math.log(9 / 3) + 1), math.log(9 / 3) + 1
    assert rows["a"].weights == pytest.approx([red / math.hypot(red, mug), mug / math.hypot(red, mug)], rel=1e-6)


def test_words_stand_heaviest_first_with_their_indices_and_ties_by_word(rows: dict[str, Row]) -> None:
    assert rows["a"].words == ["red", "mug"]
    assert rows["g"].words == ["blue", "cake", "mug", "tin"]
    assert rows["g"].word_indices == [2, 3, 4, 6]
    for row in rows.values():
        assert row.weights == sorted(row.weights, reverse=True)
        assert [WORDS[index - 2] for index in row.word_indices] == row.words


def test_an_item_without_known_words_has_empty_arrays_and_every_other_vector_length_one(rows: dict[str, Row]) -> None:
    without = {item for item, row in rows.items() if row.words == row.word_indices == row.weights == []}

    assert without == {"d", "e", "f", "no longer sold"}
    for item in rows.keys() - without:
        assert np.linalg.norm(rows[item].weights) == pytest.approx(1, rel=1e-6)


def test_titles_and_indices_are_kept_and_a_missing_item_has_no_title(rows: dict[str, Row]) -> None:
    assert {item: (row.title, row.item_index) for item, row in rows.items()} == {
        "a": ("A", 10),
        "b": ("B", 11),
        "c": ("C", 12),
        "d": ("D", 13),
        "e": ("E", 14),
        "f": (None, 15),
        "g": ("G", 16),
        "no longer sold": (None, 17),
    }
