from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.recommend.targets import bounded


def test_bounded_takes_the_same_users_in_the_same_order_however_they_are_spread(spark: SparkSession) -> None:
    users = spark.range(100).select(F.concat(F.lit("u"), "id").alias("user_id"))

    def taken(parts: int, seed: int) -> list[str]:
        return [row.user_id for row in bounded(users.repartition(parts), 40, seed).collect()]

    assert len(set(taken(1, 5))) == 40
    assert taken(1, 5) == taken(7, 5)
    assert set(taken(1, 5)) != set(taken(1, 6))


def test_bounded_keeps_all_of_fewer_users_in_several_tasks(spark: SparkSession) -> None:
    users = spark.range(100).select(F.concat(F.lit("u"), "id").alias("user_id"))

    few = bounded(users, 1_000, 5)

    assert few.count() == 100
    assert few.rdd.getNumPartitions() > 1
