"""What is known of each user."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def current_users(events: DataFrame) -> DataFrame:
    """What the latest event of each user says of the user: ``user_id, attributes``.

    Args:
        events: ``user_id, event_time, event_id`` and ``attributes`` (map) of each event.
    """
    latest = F.max_by("attributes", F.struct("event_time", "event_id"))
    return events.where("user_id is not null").groupBy("user_id").agg(latest.alias("attributes"))
