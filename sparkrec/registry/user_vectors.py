"""Vectors of users: a table beside a model's arrays, which executors read where the users are."""

from collections.abc import Iterable

from pyspark.sql import DataFrame, SparkSession

from sparkrec.lake.model_tables import USERS
from sparkrec.registry.model_store import CurrentModels


def vectors_of_users(spark: SparkSession, current: CurrentModels, model: str, fold: str) -> DataFrame:
    """The table of a model at a fold: ``user_index`` and ``vector``."""
    folder = f"{current.folder(model)}/{fold}/{USERS}"
    return spark.read.schema("user_index int, vector array<float>").parquet(folder)


def column_of(model: str) -> str:
    """The column that `with_user_vectors` adds for a model."""
    return f"vector_{model}"


def with_user_vectors(users: DataFrame, current: CurrentModels, fold: str, models: Iterable[str]) -> DataFrame:
    """The users with a column of vectors for each of the models; null where a model has none of the user.

    Args:
        users: At least ``user_index``.
        current: The models.
        fold: The fold that they were fitted at.
        models: Names of models that have a vector a user.
    """
    for name in models:
        vectors = vectors_of_users(users.sparkSession, current, name, fold)
        users = users.join(vectors.withColumnRenamed("vector", column_of(name)), "user_index", "left")
    return users
