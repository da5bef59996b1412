import pytest
from pyspark.sql import SparkSession

from sparkrec.errors import ConfigurationError
from sparkrec.evaluation.segments import profile_segments, with_segments


def test_the_largest_groups_are_told_apart_and_the_rest_are_one(spark: SparkSession) -> None:
    sizes = {"A": 3, "B": 2, "C": 2, None: 2, "D": 2, "E": 1, "F": 1}
    countries = [country for country, users in sizes.items() for _ in range(users)]
    rows = [(f"u{place:02}", country, place % 2 == 0) for place, country in enumerate(countries)]
    profiles = spark.createDataFrame(rows, "user_id string, country string, premium boolean")

    found = {row.user_id: row.segments for row in profile_segments(profiles, ["country", "premium"]).collect()}

    named = {"A": "A", "B": "B", "C": "C", None: "unknown", "D": "D", "E": "other", "F": "other"}
    assert found == {
        user: [f"country={named[country]}", f"premium={str(premium).lower()}"] for user, country, premium in rows
    }
    assert [row.segments for row in profile_segments(profiles.limit(1), []).collect()] == [[]]


def test_a_column_that_the_profiles_lack_is_told(spark: SparkSession) -> None:
    with pytest.raises(ConfigurationError, match=r"evaluation\.segments: gold\.user_profiles has no column county"):
        profile_segments(spark.createDataFrame([("u", "A")], "user_id string, country string"), ["county"])


def test_users_of_few_known_events_are_new(spark: SparkSession) -> None:
    users = spark.createDataFrame(
        [("five", [2, 3]), ("six", [1, 5]), ("one", [1]), ("stranger", [9])], "user_id string, events array<int>"
    )
    groups = [("five", ["country=A"]), ("six", ["country=A"]), ("one", []), ("nobody", ["country=B"])]
    profiles = spark.createDataFrame(groups, "user_id string, segments array<string>")

    found = {row.user_id: row.segments for row in with_segments(users, profiles).collect()}

    assert found == {
        "five": ["country=A", "activity=new"],
        "six": ["country=A", "activity=old"],
        "one": ["activity=new"],
        "stranger": ["activity=old"],
    }
