from pyspark.sql import SparkSession

from sparkrec.cleaning.users import current_users


def test_the_latest_event_says_what_is_known_of_its_user(spark: SparkSession) -> None:
    events = spark.createDataFrame(
        [
            ("u", "2", "e1", {"age": "35"}),
            ("u", "1", "e9", {"age": "34", "income": "high"}),
            ("v", "1", "e1", {"age": "20"}),
            ("v", "1", "e2", {}),  # of two at once that of the last id
            (None, "3", "e3", {"age": "99"}),
        ],
        "user_id string, event_time string, event_id string, attributes map<string,string>",
    )

    first, second = events.where("event_time < '2'"), events.where("event_time >= '2'")

    expected = {"u": {"age": "35"}, "v": {}}
    for found in (
        current_users(events, None),
        current_users(second, current_users(first, None)),
        current_users(first, current_users(second, None)),
    ):
        assert {row.user_id: row.attributes for row in found.collect()} == expected
