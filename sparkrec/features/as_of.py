"""What was known of something at a moment: the point-in-time join."""

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

_AT, _STATE, _LATEST = "_at", "_state", "_latest"


def as_of_join(
    events: DataFrame, states: DataFrame, by: Sequence[str], event_time: str, valid_time: str, known_time: str
) -> DataFrame:
    """Add to each event the latest state of its key that was in force, and known of, before the event.

    A state counts for an event where ``valid_time < event_time`` and ``known_time < event_time``: a correction that
    came to be known later changes nothing, however far back it reaches, so that what was learned from an old event
    stays as it was. Among the states that count, the one with the greatest ``valid_time`` wins, then the one with the
    greatest ``known_time``, then the greatest by the other columns in their order.

    States and the events' moments are put in one order of when a state can first be used, the later of its two
    times, and a running maximum by that rule goes over them: rows are compared with the winner so far, never with
    each other as in a join over ranges. Only the distinct moments of a key are ordered and not its events, which
    find their moment by equality afterwards. Where the events of a hot key crowd, a coarse ``event_time`` such as the
    day leaves few of them, and the events stay spread over all tasks.

    Args:
        events: Rows to add to; one without a key or a time finds no state.
        states: ``by``, both times, and the columns to add, of types that have an order. One without a key or a time
            never counts.
        by: Columns of the key.
        event_time: When the event happened, of the same type as the states' times.
        valid_time: Since when a state is in force.
        known_time: Since when it is known; may be the same column.

    Returns:
        The events with the further columns of ``states``, null where no state counts.
    """
    key, added = list(by), [name for name in states.columns if name not in (*by, valid_time, known_time)]
    since = F.greatest(F.col(valid_time), F.col(known_time))
    ranked = F.struct(F.col(valid_time).alias("_valid"), F.col(known_time).alias("_known"), *added)
    usable = states.dropna(subset=[*key, valid_time, known_time]).select(*key, since.alias(_AT), ranked.alias(_STATE))
    moments = events.select(*key, F.col(event_time).alias(_AT)).dropna().distinct()
    # At one time the moments come first, for a state must be older than the event.
    in_time = Window.partitionBy(*key).orderBy(_AT, F.col(_STATE).isNotNull())
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    found = (
        moments.unionByName(usable, allowMissingColumns=True)
        .withColumn(_LATEST, F.max(_STATE).over(so_far))
        .where(F.col(_STATE).isNull())
        .select(*key, F.col(_AT).alias(event_time), _LATEST)
    )
    latest = [F.col(_LATEST)[name].alias(name) for name in added]
    return events.join(found, [*key, event_time], "left").select(*[F.col(name) for name in events.columns], *latest)
