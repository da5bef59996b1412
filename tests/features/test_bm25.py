import math
import random
from collections import Counter

import pytest
from pyspark.sql import SparkSession

from sparkrec.features.bm25 import best, bm25_index, bm25_scores


def test_scores_are_those_of_the_formula(spark: SparkSession) -> None:
    chance = random.Random(3)
    words = "red blue mug cup lamp shade of brass".split()
    texts = {f"t{number:02d}": chance.choices(words, k=chance.randrange(0, 9)) for number in range(60)}
    queries = {" ".join(asked): asked for asked in (["red", "mug"], ["brass"], ["red", "red", "lamp"], ["unheard"])}

    index = bm25_index(spark.createDataFrame(list(texts.items()), "id string, words array<string>"), "id", "words")
    asked = spark.createDataFrame(list(queries.items()), "query string, words array<string>")
    found = {(row.query, row.id): row.score for row in bm25_scores(asked, index, "id").collect()}

    expected = {
        (query, key): score
        for query, asked_words in queries.items()
        for key, score in _reference(asked_words, texts).items()
    }
    assert found == pytest.approx(expected, rel=1e-12)
    assert len(found) > 90


def test_the_best_are_kept_and_ties_go_by_key(spark: SparkSession) -> None:
    scores = [("q", "c", 1.0), ("q", "a", 1.0), ("q", "b", 2.0), ("q", "d", 0.5), ("p", "d", 0.1)]

    kept = best(spark.createDataFrame(scores, "query string, id string, score double"), "id", 2).collect()

    assert sorted(map(tuple, kept)) == [("p", "d", 0.1), ("q", "a", 1.0), ("q", "b", 2.0)]


def _reference(query: list[str], texts: dict[str, list[str]]) -> dict[str, float]:
    written = {key: words for key, words in texts.items() if words}
    mean = sum(map(len, written.values())) / len(written)
    scores: Counter[str] = Counter()
    for word in query:
        holders = sum(word in words for words in written.values())
        idf = math.log(1 + (len(written) - holders + 0.5) / (holders + 0.5))
        for key, words in written.items():
            if word in words:
                often = words.count(word)
                scores[key] += idf * often * 2.2 / (often + 1.2 * (0.25 + 0.75 * len(words) / mean))
    return dict(scores)
