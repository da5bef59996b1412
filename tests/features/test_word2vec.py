import random
from datetime import datetime, timedelta

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.config.settings import Word2VecSettings
from sparkrec.features.word2vec import item_vectors, mean_vectors, word_vectors

SETTINGS = Word2VecSettings(size=12, epochs=8, least=2)


@pytest.fixture(scope="module")
def titles(spark: SparkSession) -> DataFrame:
    """Things of the kitchen and of the garden: no word of the one stands with one of the other."""
    kitchen = [f"{a} {b} {c}" for a in ("red", "blue") for b in ("tea", "soup") for c in ("mug", "cup", "bowl")]
    garden = [f"{a} {b} {c}" for a in ("oak", "steel") for b in ("rose", "herb") for c in ("planter", "pot", "rake")]
    rows = [(f"i{number}", title.split()) for number, title in enumerate((kitchen + garden) * 20)]
    return spark.createDataFrame(rows, "item_id string, title_words array<string>")


def test_words_lie_near_those_that_stand_where_they_do(titles: DataFrame) -> None:
    vectors = {row.word: np.array(row.vector) for row in word_vectors(titles, SETTINGS, 1).collect()}

    assert len(vectors) == 14
    # What may stand in one another's place is alike.
    alike = [("mug", "cup"), ("tea", "soup"), ("rose", "herb"), ("oak", "steel")]
    other = [("mug", "rake"), ("tea", "oak"), ("rose", "soup"), ("red", "pot")]
    near, far = ([_cosine(vectors[a], vectors[b]) for a, b in pairs] for pairs in (alike, other))
    assert min(near) > max(far) + 0.3


def test_the_same_titles_give_the_same_vectors(titles: DataFrame) -> None:
    first, again = (
        word_vectors(rows, SETTINGS, 1).orderBy("word").collect() for rows in (titles, titles.repartition(3))
    )

    assert first == again


def test_items_lie_near_those_that_are_bought_with_them(spark: SparkSession) -> None:
    chance, start = random.Random(2), datetime(2026, 1, 1)
    baskets = [[f"{side}{n}" for n in chance.sample(range(8), 5)] for _ in range(300) for side in "ab"]
    rows = [
        (f"e{number}-{place}", f"u{number % 7}", f"b{number}", item, start + timedelta(minutes=place))
        for number, basket in enumerate(baskets)
        for place, item in enumerate(basket)
    ]
    positives = spark.createDataFrame(
        [*rows, ("alone", "u", "once", "rare", start)],
        "event_id string, user_id string, session_id string, item_id string, event_time timestamp",
    )

    vectors = {row.item_id: np.array(row.vector) for row in item_vectors(positives, SETTINGS, 1).collect()}

    assert sorted(vectors) == [f"{side}{n}" for side in "ab" for n in range(8)]
    for item, vector in vectors.items():
        nearest = max((other for other in vectors if other != item), key=lambda other: _cosine(vector, vectors[other]))
        assert nearest[0] == item[0]


def test_an_item_has_the_mean_of_its_words(spark: SparkSession) -> None:
    words = spark.createDataFrame(
        [("i", ["red", "red", "mug", "new"]), ("j", ["new"])], "item_id string, title_words array<string>"
    )
    vectors = spark.createDataFrame([("red", [1.0, 0.0]), ("mug", [0.0, 3.0])], "word string, vector array<float>")

    assert [tuple(row) for row in mean_vectors(words, vectors, 2).collect()] == [("i", [0.5, 1.5])]


def test_where_no_word_occurs_often_enough_there_are_no_vectors(spark: SparkSession) -> None:
    titles = spark.createDataFrame([("i", ["red", "mug"])], "item_id string, title_words array<string>")

    assert word_vectors(titles, SETTINGS, 1).collect() == []


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
