import math

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.evaluation.queries import query_lists, query_values


def test_every_order_is_measured_on_all_queries_with_a_target(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [
            ("mug", "a", 0.0, 3.0, None),
            ("mug", "b", 1.0, 2.0, None),
            ("mug", "c", 0.0, 1.0, None),
            # Clicked, but found by nobody.
            ("mug", "d", 1.0, None, float("nan")),
            ("lamp", "e", 1.0, 1.0, 2.0),
            ("nobody clicked", "a", 0.0, 1.0, 1.0),
        ],
        "normalised_query string, item_id string, label double, one double, other double",
    )
    queries = spark.createDataFrame(
        [("mug", 250, 0), ("lamp", 9, 1)], "normalised_query string, searches long, edits int"
    )

    lists = query_lists(rows, {"one": F.col("one"), "other": F.col("other")}, queries, k=2)

    found = {(row.user_id, row.model): row for row in lists.collect()}
    assert {key: (row.hits, row.targets) for key, row in found.items()} == {
        ("mug", "one"): ([False, True], 2),
        ("mug", "other"): ([False, False], 2),
        ("lamp", "one"): ([True, False], 1),
        ("lamp", "other"): ([True, False], 1),
    }
    assert found["mug", "one"].segments == ["searches=100 and more", "words=1", "spelling=as typed"]
    assert found["lamp", "one"].segments == ["searches=below 10", "words=1", "spelling=corrected"]

    values = query_values(lists.withColumnRenamed("user_id", "user_hash").toPandas(), k=2)

    told = values[(values["metric"] == "ndcg@2") & (values["segment"] == "all")].set_index(["user_hash", "model"])
    second = 1 / math.log2(3)
    assert told["value"].to_dict() == pytest.approx(
        {
            ("mug", "one"): second / (1 + second),
            ("mug", "other"): 0.0,
            ("lamp", "one"): 1.0,
            ("lamp", "other"): 1.0,
        }
    )
    assert set(values["shelf"]) == {"search"}
    corrected = values[(values["segment"] == "spelling=corrected") & (values["model"] == "one")]
    assert (corrected["metric"].to_list(), corrected["value"].to_list()) == (["ndcg@2"], [1.0])
