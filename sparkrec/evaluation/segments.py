"""Groups that figures are told for beside those of everybody."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.errors import ConfigurationError

WHOLE = "all"
HEAD, TAIL = "items=head", "items=tail"
NEW_USER_EVENTS = 5
"""Users with at most so many positive events known at the fold are new, others old."""

# Values of a column that are told apart; the rest is one group.
_LARGEST_GROUPS = 5


def profile_segments(profiles: DataFrame, columns: Sequence[str]) -> DataFrame:
    """``user_id`` and ``segments``, the user's groups by columns of its profile, as ``country=France``.

    Raises:
        ConfigurationError: The profiles have no such column.
    """
    segments = []
    for column in columns:
        if column not in profiles.columns:
            raise ConfigurationError(f"evaluation.segments: gold.user_profiles has no column {column}")
        value = F.coalesce(F.col(column).cast("string"), F.lit("unknown"))
        sizes = profiles.groupBy(value.alias("group")).count().orderBy(F.desc("count"), "group")
        largest = [row.group for row in sizes.limit(_LARGEST_GROUPS).collect()]
        group = F.when(value.isin(largest), value).otherwise("other")
        segments.append(F.concat(F.lit(f"{column}="), group))
    return profiles.select("user_id", F.array(*segments).cast("array<string>").alias("segments"))


def with_segments(users: DataFrame, by_profile: DataFrame) -> DataFrame:
    """The users of a fold with their ``segments``: those by profile, and ``activity=new`` or ``activity=old``.

    Args:
        users: Rows of features.behaviour_sequences of one fold.
        by_profile: What `profile_segments` gives.
    """
    known = F.aggregate("events", F.lit(0), lambda events, of_item: events + of_item)
    activity = F.when(known <= NEW_USER_EVENTS, "activity=new").otherwise("activity=old")
    segments = F.concat(F.coalesce("segments", F.array().cast("array<string>")), F.array(activity))
    return users.join(by_profile, "user_id", "left").withColumn("segments", segments)
