"""However long a text is, jobs after clean work on its beginning, and say so."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.item_versions import current_items, item_sightings, item_versions
from sparkrec.cleaning.titles import title_words
from sparkrec.config.settings import TextSettings
from sparkrec.features.queries.spelling import corrected_queries
from sparkrec.features.queries.understand import asked_queries
from sparkrec.text import beginning, normalised_query

AT = datetime(2026, 1, 1, tzinfo=UTC)


def words(letters: int, seed: int = 1) -> str:
    """A text of so many letters and blanks: words that are not alike, so that nothing shrinks them."""
    chance = random.Random(seed)
    text = " ".join("".join(chance.choices("abcdefghijklmnop", k=chance.randint(1, 9))) for _ in range(letters))
    return text[: letters - 1] + "x"


@pytest.fixture
def shuffled(spark: SparkSession) -> Callable[[Callable[[], Any]], dict[str, int]]:
    """Gives what tells the records and bytes that work sent from task to task, and the records that tasks wrote."""
    store = spark.sparkContext._jsc.sc().statusStore()  # type: ignore[union-attr]
    none = spark.sparkContext._gateway.new_array(spark.sparkContext._jvm.double, 0)  # type: ignore[union-attr]

    def stages() -> dict[int, Any]:
        listed = store.stageList(None, False, False, none, None)
        return {listed.apply(place).stageId(): listed.apply(place) for place in range(listed.size())}

    def of(work: Callable[[], Any]) -> dict[str, int]:
        before = stages().keys()
        work()
        spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()  # type: ignore[union-attr]
        own = [stage for number, stage in stages().items() if number not in before]
        assert own
        return {
            "records": sum(stage.shuffleWriteRecords() for stage in own),
            "bytes": sum(stage.shuffleWriteBytes() for stage in own),
        }

    return of


def test_a_text_ends_before_its_last_blank_within_the_bound(spark: SparkSession) -> None:
    texts = ["red mug", "red mugs", "red mug large", "redmugslarge", "🎁🎁🎁🎁🎁🎁🎁🎁🎁", " red mug x", None]
    rows = spark.createDataFrame([(text,) for text in texts], "text string")
    found = [row[0] for row in rows.select(beginning(F.col("text"), 8)).collect()]
    assert found == ["red mug", "red mugs", "red mug", "redmugsl", "🎁" * 8, " red mug", None]


def test_what_folding_makes_longer_is_bound_again_and_marks_beyond_the_bound_are_not_sorted(
    spark: SparkSession,
) -> None:
    # One sign that stands for 18, and marks that are brought into order one by one.
    texts = ["\ufdfa" * 20, "e" + "\u0316\u0301" * 100_000]
    rows = spark.createDataFrame([(text,) for text in texts], "text string").select(
        normalised_query(F.col("text"), 20).alias("text")
    )
    assert [len(row.text) for row in rows.collect()] == [13, 1]


def test_searches_of_any_length_cost_what_their_beginning_costs(
    spark: SparkSession, shuffled: Callable[[Callable[[], Any]], dict[str, int]]
) -> None:
    known = spark.createDataFrame([("red", 1, 0), ("mug", 1, 0)], "text string, items long, clicks long")
    known = known.localCheckpoint()
    longest = TextSettings().longest_query

    def cost(letters: int) -> dict[str, int]:
        rows = spark.createDataFrame([(words(letters, seed),) for seed in range(4)], "query string")
        issued = rows.select(normalised_query(F.col("query"), longest).alias("normalised_query"), "query")
        return shuffled(lambda: corrected_queries(asked_queries(issued, longest), known).collect())

    costs = [cost(letters) for letters in (2_500, 5_000, 10_000, 20_000)]
    assert costs[0]["records"] > 4 * 30
    assert len({cost["records"] for cost in costs}) == 1
    assert max(cost["bytes"] for cost in costs) < 1.1 * min(cost["bytes"] for cost in costs)


def test_titles_keep_their_text_in_silver_and_are_read_by_their_beginning(spark: SparkSession) -> None:
    title, path = words(100_000), "杯" * 100_000
    rows = [("i1", AT, 1.0, title, None, path, "Brightwell")]
    columns = "item_id string, event_time timestamp, unit_price double, title string, description string"
    lines = spark.createDataFrame(rows, f"{columns}, category_path string, brand string")
    versions = item_versions(item_sightings(lines, None), 1_000).localCheckpoint()

    (kept,) = versions.collect()
    assert (kept.title, kept.category_path) == (title, path)
    assert 100 < len(kept.title_words) < 500
    assert title.startswith(" ".join(title.split()[:20]))
    (seen,) = current_items(versions, 1_000).collect()
    assert title.startswith(f"{seen.title} ")
    assert 980 < len(seen.title) <= 1_000
    assert seen.category_path == path[:1_000]


def test_words_of_a_text_grow_no_further_than_the_bound(spark: SparkSession) -> None:
    texts = [words(letters) for letters in (2_000, 4_000, 8_000, 16_000)] + ["杯子" * 8_000, "がい" * 8_000]
    rows = spark.createDataFrame([(text,) for text in texts], "text string")
    counts = [row[0] for row in rows.select(F.size(title_words(F.col("text"), 1_000))).collect()]
    assert len(set(counts[:4])) == 1
    assert all(0 < count <= 1_000 for count in counts)
