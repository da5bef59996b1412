from typing import Any

from pyspark.sql import DataFrame, SparkSession

from sparkrec.features.vocabulary import grow_vocabulary, indices_of, value_frequencies

FREQUENCY = "feature string, value string, frequency long"


def shown(vocabulary: DataFrame) -> list[tuple[Any, ...]]:
    """``feature, index, value, frequency`` by feature and index."""
    rows = vocabulary.select("feature", "index", "value", "frequency").orderBy("feature", "index").collect()
    return [tuple(row) for row in rows]


def test_users_and_items_count_by_events_and_words_by_the_bought_items_that_have_them(spark: SparkSession) -> None:
    positives = spark.createDataFrame(
        [("u", "a"), ("u", "a"), ("u", "b"), ("v", "a")], "user_id string, item_id string"
    )
    items = spark.createDataFrame(
        [("a", ["red", "mug", "red"]), ("b", ["red", "tin"]), ("never bought", ["tin", "mug", "red"])],
        "item_id string, title_words array<string>",
    )

    counted = {
        least: sorted(tuple(row) for row in value_frequencies(positives, items, least).collect()) for least in (1, 2)
    }

    users_and_items = [("item", "a", 3), ("item", "b", 1), ("user", "u", 3), ("user", "v", 1)]
    assert counted[1] == [*users_and_items, ("word", "mug", 1), ("word", "red", 2), ("word", "tin", 1)]
    assert counted[2] == [*users_and_items, ("word", "red", 2)]


def test_values_are_numbered_from_two_on_the_most_frequent_first_and_ties_by_value(spark: SparkSession) -> None:
    frequencies = spark.createDataFrame(
        [("item", "a", 1), ("item", "c", 5), ("item", "b", 5), ("user", "u", 9), ("word", "ä", 1), ("word", "z", 1)],
        FREQUENCY,
    )

    vocabulary = grow_vocabulary(frequencies, earlier=None)

    assert shown(vocabulary) == [
        ("item", 2, "b", 5),
        ("item", 3, "c", 5),
        ("item", 4, "a", 1),
        ("user", 2, "u", 9),
        ("word", 2, "z", 1),
        ("word", 3, "ä", 1),
    ]
    assert sorted(tuple(row) for row in indices_of(vocabulary, "item").collect()) == [("a", 4), ("b", 2), ("c", 3)]


def test_a_grown_vocabulary_keeps_every_index_and_appends_new_values(spark: SparkSession) -> None:
    earlier = spark.createDataFrame(
        [("item", "a", 2, 9), ("item", "gone", 3, 7), ("item", "b", 4, 1), ("user", "u", 2, 4)],
        "feature string, value string, index int, frequency long",
    )
    frequencies = spark.createDataFrame(
        [
            ("item", "b", 50),
            ("item", "a", 1),
            ("item", "new", 8),
            ("item", "newer", 99),
            ("user", "u", 4),
            ("word", "w", 3),
        ],
        FREQUENCY,
    )

    grown = grow_vocabulary(frequencies, earlier)

    assert shown(grown) == [
        ("item", 2, "a", 1),
        ("item", 3, "gone", 0),
        ("item", 4, "b", 50),
        ("item", 5, "newer", 99),
        ("item", 6, "new", 8),
        ("user", 2, "u", 4),
        ("word", 2, "w", 3),
    ]
    assert shown(grow_vocabulary(frequencies, grown)) == shown(grown)


def test_a_value_that_comes_back_has_its_old_index(spark: SparkSession) -> None:
    both = spark.createDataFrame([("item", "a", 2), ("item", "b", 1)], FREQUENCY)
    only_new = spark.createDataFrame([("item", "c", 4)], FREQUENCY)

    without = grow_vocabulary(only_new, grow_vocabulary(both, earlier=None))

    assert shown(without) == [("item", 2, "a", 0), ("item", 3, "b", 0), ("item", 4, "c", 4)]
    assert shown(grow_vocabulary(both, without)) == [("item", 2, "a", 2), ("item", 3, "b", 1), ("item", 4, "c", 0)]
