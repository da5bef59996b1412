"""What is known of each user."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def current_users(events: DataFrame, earlier: DataFrame | None) -> DataFrame:
    """What the latest event of each user says of the user (silver.users, without its source).

    Args:
        events: ``user_id, event_time, event_id`` and ``attributes`` (map) of each event; one that was delivered more
            than once does no harm.
        earlier: What earlier events gave.
    """
    said = events.where("user_id is not null").select(
        "user_id", F.col("event_time").alias("said_at"), F.col("event_id").alias("said_by"), "attributes"
    )
    if earlier is not None:
        said = said.unionByName(earlier.select("user_id", "said_at", "said_by", "attributes"))
    latest = F.max_by(F.struct("said_at", "said_by", "attributes"), F.struct("said_at", "said_by"))
    return said.groupBy("user_id").agg(latest.alias("latest")).select("user_id", "latest.*")
