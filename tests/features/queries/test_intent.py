"""P(category | query) against the same sums in plain Python."""

import math
from collections import defaultdict
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from sparkrec.features.queries.catalogue import catalogue
from sparkrec.features.queries.intent import category_intent, intent_of_words

COUNTS = [
    ("mugs", "mug", 8.0),
    ("mugs", "red", 3.0),
    ("lamps", "lamp", 4.0),
    ("lamps", "red", 1.5),
    ("lamps", "light", 2.0),
    ("creams", "cream", 1.0),
]


def naive_bayes(words: list[str]) -> dict[str, float]:
    sizes: dict[str, float] = defaultdict(float)
    of_word: dict[str, dict[str, float]] = defaultdict(dict)
    for category, word, count in COUNTS:
        sizes[category] += count
        of_word[word][category] = count
    joint = dict(sizes)
    for word in words:
        counts = of_word[word]
        total = sum(counts.values())
        entropy = -sum(count / total * math.log(count / total) for count in counts.values())
        for category, size in sizes.items():
            share = (counts.get(category, 0) + 5 * total / sum(sizes.values())) / (size + 5)
            joint[category] *= share ** (1 - entropy / math.log(3))
    touched = {category: joint[category] for category in sizes if any(category in of_word[word] for word in words)}
    return {category: value / sum(touched.values()) for category, value in touched.items()}


@pytest.mark.parametrize("query", ["mug", "red", "red mug", "red light unknown", "cream red mug lamp", "mug 250"])
def test_words_are_weighed_by_naive_bayes(spark: SparkSession, query: str) -> None:
    counts = spark.createDataFrame(COUNTS, "category string, word string, count double")
    queries = spark.createDataFrame([(query,)], "corrected_query string")

    found = {row.category: row.probability for row in intent_of_words(queries, counts).collect()}

    known = {word for _, word, _ in COUNTS}
    assert found == pytest.approx(naive_bayes([word for word in query.split() if word in known]), rel=1e-9)


def intents(queries: list[str], clicks: list[tuple[Any, ...]], items: DataFrame) -> dict[str, dict[str, float]]:
    spark = items.sparkSession
    rows = category_intent(
        spark.createDataFrame([(query,) for query in queries], "corrected_query string"),
        spark.createDataFrame(clicks, "corrected_query string, category string, clicks long, weight double"),
        catalogue(items, 1_000),
    ).collect()
    for row in rows:
        probabilities = [one.probability for one in row.categories]
        assert probabilities == sorted(probabilities, reverse=True)
        assert 0 < sum(probabilities) <= 1 + 1e-9
        assert len(probabilities) <= 5
    return {row.corrected_query: {one.category: one.probability for one in row.categories} for row in rows}


def test_without_clicks_the_words_of_the_catalogue_tell(items: DataFrame) -> None:
    found = intents(["red mug", "face cream", "红色台灯", "xyzzy", "20", ""], [], items)
    assert max(found["red mug"], key=lambda name: found["red mug"][name]) == "Kitchen > Mugs"
    assert found["red mug"]["Kitchen > Mugs"] > 0.9
    assert found["face cream"]["Beauty > Creams"] > 0.9
    assert found["红色台灯"]["Home > Lamps"] > 0.9
    # Nothing is known of these.
    assert not {"xyzzy", "20", ""} & set(found)


def test_clicks_of_a_query_outweigh_its_words_the_more_there_are(items: DataFrame) -> None:
    of_lamps = [
        intents(["mug"], [("mug", "Home > Lamps", clicks, float(clicks))] if clicks else [], items)["mug"]
        for clicks in (0, 1, 100)
    ]
    assert of_lamps[0] == pytest.approx({"Kitchen > Mugs": 1.0}, abs=2e-6)
    assert 0.2 < of_lamps[1]["Home > Lamps"] < 0.8
    assert of_lamps[2]["Home > Lamps"] > 0.95


def test_words_count_as_five_clicks(items: DataFrame) -> None:
    # Numbers say nothing, so that the five clicks' worth of prior is nobody's.
    clicks = [("20", "Home > Lamps", 4, 8.0), ("20", "Kitchen > Mugs", 1, 2.0)]
    found = intents(["20"], clicks, items)["20"]
    assert found == pytest.approx({"Home > Lamps": 0.4, "Kitchen > Mugs": 0.1}, abs=2e-6)


def test_clicks_after_one_query_teach_what_its_words_mean_in_others(items: DataFrame) -> None:
    clicks = [("blue flowerpot", "Home > Lamps", 9, 9.0)]
    found = intents(["big flowerpot"], clicks, items)["big flowerpot"]
    assert found == pytest.approx({"Home > Lamps": 1.0}, abs=2e-6)


def test_clicked_items_without_a_category_say_nothing(items: DataFrame) -> None:
    assert intents(["xyzzy"], [("xyzzy", None, 9, 9.0)], items) == {}
