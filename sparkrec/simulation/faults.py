"""What goes wrong on the way: copies, lines that are sent again later and malformed ones, beside the good lines."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from sparkrec.simulation.chance import Chance, at
from sparkrec.simulation.settings import SimulationSettings

_FAULTS = {
    "item": ("item_id_missing", "item_id_missing"),
    "ts": ("event_time_missing", "event_time_unreadable"),
    "type": ("event_type_unknown", "event_type_unknown"),
    "scene": ("scene_unknown", "scene_unknown"),
    "quantity": ("quantity_not_positive", "quantity_unreadable"),
    "price": ("unit_price_negative", "unit_price_unreadable"),
}
"""Two faults, each alike likely, of each field of a line."""

_TWO_FAULTS_RATE, _CUT_OFF_RATE = 0.2, 0.1
_TWO_COPIES_RATE = 0.25
_SEARCHES = 0.055
"""Share of searches among events, measured: they are never malformed."""


def lines_of(events: DataFrame, settings: SimulationSettings) -> DataFrame:
    """One row a line to land: the event's columns, and what the line is.

    ``line`` is good, duplicate, redelivered or bad. A bad line is a further one, made after a good event, with an
    ``event_id`` of its own and the ``reasons`` against it (sorted); else these are null. ``days_late`` counts from
    the event to ``arrival_day``.
    """
    chance, event_id, line = Chance(settings.seed), F.col("event_id"), F.col("line")
    copies, redelivered = _copies(settings), _redelivered(settings)
    is_bad = (F.col("event_type") != "search") & chance.happens(_bad_lines_an_event(settings), "bad line", event_id)
    again = F.when(line == "redelivered", 1 + chance.whole(2, "days until sent again", event_id)).otherwise(0)
    kinds = F.concat(
        F.array(F.lit("good")),
        F.array_repeat(F.lit("duplicate"), copies),
        F.array_repeat(F.lit("redelivered"), redelivered),
        F.array_repeat(F.lit("bad"), is_bad.cast("int")),
    )
    return (
        events.withColumn("line", F.explode(kinds))
        .withColumn("arrival_day", F.date_add("arrival_day", again.cast("int")))
        .withColumn("days_late", F.datediff("arrival_day", F.to_date("event_time")))
        .withColumn("reasons", F.when(line == "bad", _reasons(settings)))
        .withColumn("event_id", F.when(line == "bad", chance.code("id of bad line", event_id)).otherwise(event_id))
    )


def truth_of_copies(events: DataFrame, settings: SimulationSettings) -> DataFrame:
    """Events with more than one line: ``event_id, kind`` (duplicate or redelivered) and ``extra_lines``."""
    copies, redelivered = _copies(settings), _redelivered(settings)
    kind = F.when(copies > 0, "duplicate").otherwise("redelivered")
    copied = events.select("event_id", kind.alias("kind"), (copies + redelivered).alias("extra_lines"))
    return copied.where("extra_lines > 0")


def truth_of_bad_lines(events: DataFrame, settings: SimulationSettings) -> DataFrame:
    """The malformed lines and all that is wrong with each: ``event_id, reasons`` (sorted)."""
    return lines_of(events, settings).where("line = 'bad'").select("event_id", "reasons")


def _copies(settings: SimulationSettings) -> Column:
    """Number of exact copies."""
    chance, event_id = Chance(settings.seed), F.col("event_id")
    copied = chance.happens(settings.duplicate_rate / (1 + _TWO_COPIES_RATE), "duplicate", event_id)
    two = chance.happens(_TWO_COPIES_RATE, "two copies", event_id)
    return F.when(copied, F.when(two, 2).otherwise(1)).otherwise(0)


def _redelivered(settings: SimulationSettings) -> Column:
    """1 where the event is sent again; no event has copies, too."""
    sent_again = Chance(settings.seed).happens(settings.redelivered_rate, "redelivered", F.col("event_id"))
    return F.when((_copies(settings) == 0) & sent_again, 1).otherwise(0)


def _bad_lines_an_event(settings: SimulationSettings) -> float:
    lines = (1 + settings.duplicate_rate + settings.redelivered_rate) / (1 - settings.bad_rate)
    return min(1.0, settings.bad_rate * lines / (1 - _SEARCHES))


def _reasons(settings: SimulationSettings) -> Column:
    """A line is cut off, or has one fault, or two of different fields."""
    chance, event_id = Chance(settings.seed), F.col("event_id")
    fields = [field for field in _FAULTS if field not in settings.without]
    faults = [fault for field in fields for fault in _FAULTS[field]]
    one = chance.whole(len(fields), "faulty field", event_id)
    other = F.pmod(one + 1 + chance.whole(len(fields) - 1, "other faulty field", event_id), F.lit(len(fields)))
    first = at(faults, 2 * one + chance.whole(2, "fault", event_id))
    second = at(faults, 2 * other + chance.whole(2, "other fault", event_id))
    how = chance.uniform("faults", event_id)
    return (
        F.when(how < _TWO_FAULTS_RATE, F.array_sort(F.array(first, second)))
        .when(how < _TWO_FAULTS_RATE + _CUT_OFF_RATE, F.array(F.lit("line_unreadable")))
        .otherwise(F.array(first))
    )
