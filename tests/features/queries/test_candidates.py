import random

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.features.queries.candidates import deletes, near_words
from sparkrec.features.queries.distance import osa_distances


def random_words(seed: int, count: int) -> list[str]:
    """Words of few different letters, so that many are alike."""
    draw = random.Random(seed)
    return sorted({"".join(draw.choices("abc", k=draw.randint(1, 11))) for _ in range(count)})


def max_edits(word: str) -> int:
    return 2 if len(word) >= 8 else 1 if len(word) >= 3 else 0


@pytest.mark.parametrize("seed", [1, 2])
def test_candidates_are_all_words_near_enough_and_no_others(spark: SparkSession, seed: int) -> None:
    typed, known = random_words(seed, 150), random_words(seed + 100, 150)
    pairs = [(one, other) for one in typed for other in known]
    measured = osa_distances([one for one, _ in pairs], [other for _, other in pairs]).tolist()
    expected = {
        (*pair, distance) for pair, distance in zip(pairs, measured, strict=True) if 0 < distance <= max_edits(pair[1])
    }
    assert {distance for *_, distance in expected} == {1, 2}

    found = near_words(
        spark.createDataFrame([(word,) for word in typed], "word string"),
        spark.createDataFrame([(word,) for word in known], "candidate string"),
    ).collect()

    assert {(row.word, row.candidate, row.distance) for row in found} == expected
    assert len(found) == len(expected)


def test_deletes_leave_out_each_letter_and_each_two(spark: SparkSession) -> None:
    words = spark.createDataFrame([("abcd", 1), ("abcd", 2), ("aab", 2), ("a", 2)], "word string, most int")
    found = words.select(deletes(F.col("word"), F.col("most")).alias("rests")).collect()
    one = ["abcd", "bcd", "acd", "abd", "abc"]
    assert [sorted(row.rests) for row in found] == [
        sorted(one),
        sorted([*one, "ab", "ac", "ad", "bc", "bd", "cd"]),
        sorted(["aab", "ab", "aa", "b", "a"]),
        ["", "a"],
    ]
