from typing import Any

from pyspark.sql import DataFrame, SparkSession

from sparkrec.cleaning.item_versions import current_items, item_sightings, item_versions

SIGHTING = (
    "item_id string, event_time string, unit_price double, "
    "title string, description string, category_path string, brand string"
)


def sightings(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    """Sightings of ``item_id, day of December, unit_price`` and the attributes from the title on."""
    full = [(item, f"2011-12-{day:02} 12:00:00", *rest, *[None] * (5 - len(rest))) for item, day, *rest in rows]
    return spark.createDataFrame(full, SIGHTING).selectExpr(
        "item_id",
        "cast(event_time as timestamp) event_time",
        "unit_price",
        "title",
        "description",
        "category_path",
        "brand",
    )


def versions_of(events: DataFrame) -> DataFrame:
    """Versions from the sightings of the events, in two parts, one of them twice."""
    some, others = events.where("day(event_time) % 2 = 0"), events.where("day(event_time) % 2 = 1")
    return item_versions(item_sightings(some.union(others), item_sightings(some, None)), 1_000)


def shown(versions: DataFrame, *further: str) -> list[tuple[Any, ...]]:
    """Versions as ``item_id``, first and last day, title and further columns."""
    days = ("day(valid_from)", "day(valid_to)")
    return [
        tuple(row)
        for row in versions.orderBy("item_id", "valid_from").selectExpr("item_id", *days, "title", *further).collect()
    ]


def test_a_version_starts_when_it_is_first_seen_and_ends_when_the_next_one_starts(spark: SparkSession) -> None:
    events = sightings(
        spark,
        ("a", 3, 2.0, "RED MUG"),
        ("a", 1, 4.0, "MUG RED"),
        ("a", 5, 1.0, "RED MUG"),
        ("a", 7, 9.0, "The RED MUG"),
        ("a", 8, 3.0, "MUG RED"),
        ("b", 2, None, "TIN"),
    )

    versions = versions_of(events)

    assert shown(versions, "title_words", "price") == [
        ("a", 1, 3, "MUG RED", ["mug", "red"], 3.0),
        ("a", 3, 7, "RED MUG", ["red", "mug"], 1.0),
        ("a", 7, None, "The RED MUG", ["red", "mug"], 9.0),
        ("b", 2, None, "TIN", ["tin"], None),
    ]
    assert shown(current_items(versions, 1_000)) == [("a", 7, None, "The RED MUG"), ("b", 2, None, "TIN")]


def test_titles_that_differ_in_blanks_alone_are_one(spark: SparkSession) -> None:
    events = sightings(spark, ("a", 1, 4.0, " RED  MUG"), ("a", 2, 2.0, "RED\u00a0MUG"), ("a", 3, 3.0, "RED MUG"))
    later = sightings(spark, ("a", 5, None, "RED\tMUG "), ("a", 6, 9.0, "  "))

    first = item_sightings(events, None)
    again = item_sightings(later, first)

    told = ("item_id", "title", "day(first_seen)", "day(last_seen)", "day(priced_at)", "price")
    assert [tuple(row) for row in first.selectExpr(*told).collect()] == [("a", "RED MUG", 1, 3, 3, 3.0)]
    assert sorted((tuple(row) for row in again.selectExpr(*told).collect()), key=str) == [
        ("a", "RED MUG", 1, 5, 3, 3.0),
        ("a", None, 6, 6, 6, 9.0),
    ]


def test_any_attribute_makes_a_version(spark: SparkSession) -> None:
    events = sightings(
        spark,
        ("a", 1, 1.0, "MUG", None, "Kitchen", "Acme"),
        ("a", 2, 1.0, "MUG", None, "Kitchen > Cups", "Acme"),
        ("a", 3, 1.0, "MUG", "Holds tea.", "Kitchen > Cups", "Acme"),
        ("a", 4, 1.0, "MUG", "Holds tea.", "Kitchen > Cups", None),
    )

    assert shown(versions_of(events), "description", "category_path", "brand") == [
        ("a", 1, 2, "MUG", None, "Kitchen", "Acme"),
        ("a", 2, 3, "MUG", None, "Kitchen > Cups", "Acme"),
        ("a", 3, 4, "MUG", "Holds tea.", "Kitchen > Cups", "Acme"),
        ("a", 4, None, "MUG", "Holds tea.", "Kitchen > Cups", None),
    ]


def test_of_two_titles_first_seen_at_once_the_last_seen_stays_and_then_the_first_by_name(
    spark: SparkSession,
) -> None:
    events = sightings(
        spark,
        ("a", 1, 1.0, "AAA"),
        ("a", 1, 1.0, "ZZZ"),
        ("a", 2, 1.0, "ZZZ"),
        ("b", 1, 1.0, "ZZZ"),
        ("b", 1, 1.0, "AAA"),
    )

    assert shown(versions_of(events)) == [("a", 1, None, "ZZZ"), ("b", 1, None, "AAA")]


def test_a_missing_title_is_no_version_of_an_item_that_has_one(spark: SparkSession) -> None:
    events = sightings(spark, ("a", 1, 1.0, None), ("a", 2, 1.0, "MUG"), ("a", 3, 1.0, None), ("b", 9, 1.0, "TIN"))

    assert shown(versions_of(events)) == [("a", 2, None, "MUG"), ("b", 9, None, "TIN")]


def test_an_item_without_any_title_is_still_known(spark: SparkSession) -> None:
    events = sightings(spark, ("a", 3, 1.0, None), ("a", 2, 5.0, None), ("b", 1, 1.0, "TIN"))

    assert shown(versions_of(events), "title_words", "price") == [
        ("a", 2, None, None, [], 1.0),
        ("b", 1, None, "TIN", ["tin"], 1.0),
    ]
