"""Write a simulated shop: its landing files by day of arrival, and the truth about them."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.errors import ConfigurationError
from sparkrec.file_systems import file_names, subfolders
from sparkrec.lake import files
from sparkrec.simulation.catalogue import items
from sparkrec.simulation.events import events
from sparkrec.simulation.faults import lines_of, truth_of_bad_lines, truth_of_copies
from sparkrec.simulation.lines import as_json, sent_at
from sparkrec.simulation.people import people
from sparkrec.simulation.queries import truth_of_queries, with_queries
from sparkrec.simulation.sessions import plan
from sparkrec.simulation.settings import SimulationSettings

_EVENTS_A_PARTITION = 500_000
_LINES_A_FILE = 250_000
_OPEN_FILES = 64
_COSTLY_RULES = [
    f"org.apache.spark.sql.catalyst.optimizer.{rule}" for rule in ("InferFiltersFromGenerate", "PushDownPredicates")
]


@dataclass(frozen=True)
class Written:
    """Counts of a simulation's lines; ``lines`` is the sum of good, bad, duplicate and redelivered ones."""

    good: int
    bad: int
    duplicate: int
    redelivered: int
    late: int
    lines: int


def simulate(
    spark: SparkSession,
    settings: SimulationSettings,
    out: str,
    say: Callable[[str], None] = lambda line: None,
    partitions: int | None = None,
) -> Written:
    """Write ``<out>/truth/<table>`` (Parquet) and ``<out>/landing/<day of arrival>/part-*.json.gz``.

    Args:
        spark: The session; its settings stay as they are.
        settings: What to simulate.
        out: A folder or URI that is empty or not there yet.
        say: Told after each part what was written.
        partitions: Of the events' generation; None takes what suits their number. The lines do not hang on it.

    Raises:
        ConfigurationError: The folder is not empty, or so few people cannot make so many events.
    """
    check(settings, out)
    planned = plan(settings)
    session = _session(spark)
    count = partitions or max(spark.sparkContext.defaultParallelism, settings.events // _EVENTS_A_PARTITION)
    truth = f"{out}/truth"
    events(session, settings, planned, count).write.parquet(f"{truth}/events")
    happened = session.read.parquet(f"{truth}/events")
    tables = {
        "people": people(session, settings, planned.bots),
        "items": items(session, settings),
        "queries": truth_of_queries(happened, settings),
        "copies": truth_of_copies(happened, settings),
        "bad_lines": truth_of_bad_lines(happened, settings),
    }
    for name, table in tables.items():
        table.write.parquet(f"{truth}/{name}")
    written = _count(session, truth)
    say(f"{out}/truth: {len(tables) + 2} tables, {written.good:,} good events")
    _land(happened, settings, f"{out}/landing", count)
    days = len(subfolders(f"{out}/landing"))
    say(f"{out}/landing: {written.lines:,} lines, {days} days of arrival")
    told = ("good", "bad", "duplicate", "redelivered", "late")
    say("  " + ", ".join(f"{getattr(written, name):,} {name}" for name in told))
    return written


def check(settings: SimulationSettings, out: str) -> None:
    """See before any work that the settings can be met, and that nothing would be overwritten or mixed up.

    Raises:
        ConfigurationError: As `simulate`.
    """
    plan(settings)
    if not files.is_empty(out):
        raise ConfigurationError(f"--out {out}: not an empty folder; name a new one")


def _session(spark: SparkSession) -> SparkSession:
    """A session with settings of its own on the same Spark."""
    session = spark.newSession()
    # A file for each day stays open at once; else Spark would sort the finished lines by day.
    session.conf.set("spark.sql.maxConcurrentOutputFileWriters", _OPEN_FILES)
    # The columns are long formulas: compiled all in one they outgrow what Java compiles, and both rules compute a
    # formula twice in order to drop rows that are not there.
    session.conf.set("spark.sql.codegen.wholeStage", "false")
    session.conf.set("spark.sql.optimizer.excludedRules", ",".join(_COSTLY_RULES))
    session.conf.set("spark.sql.session.timeZone", "UTC")
    session.conf.set("spark.sql.ansi.enabled", "false")
    return session


def _land(happened: DataFrame, settings: SimulationSettings, landing: str, partitions: int) -> None:
    """The lines, in each file in the order in which they were sent."""
    parts = math.ceil(settings.events / settings.days / _LINES_A_FILE)
    lines = lines_of(happened, settings).withColumn("sent_at", sent_at(settings))
    spread = lines.withColumn("part", F.pmod(F.xxhash64("event_id"), F.lit(parts))).repartition(
        max(partitions, math.ceil(settings.events / _LINES_A_FILE)), "arrival_day", "part"
    )
    ordered = with_queries(spread.sortWithinPartitions("arrival_day", "sent_at", "event_id"), settings)
    unsorted = f"{landing}/_unsorted"
    (
        ordered.select(as_json(settings).alias("value"), "arrival_day")
        .write.partitionBy("arrival_day")
        .option("compression", "gzip")
        .text(unsorted)
    )
    for folder in subfolders(unsorted):
        for name in file_names(f"{unsorted}/{folder}"):
            if name.startswith("part-"):
                day, name_there = folder.partition("=")[2], name.replace(".txt.gz", ".json.gz")
                files.move(f"{unsorted}/{folder}/{name}", f"{landing}/{day}/{name_there}")
    files.delete_folder(unsorted)


def _count(session: SparkSession, truth: str) -> Written:
    """Counts of the truth's tables, written beside them."""
    good = session.read.parquet(f"{truth}/events").agg(
        F.count("event_id").alias("good"), F.coalesce(F.count_if("is_late"), F.lit(0)).alias("late")
    )
    bad = session.read.parquet(f"{truth}/bad_lines").agg(F.count("event_id").alias("bad"))
    extra = [
        F.coalesce(F.sum(F.when(F.col("kind") == kind, F.col("extra_lines"))), F.lit(0)).alias(kind)
        for kind in ("duplicate", "redelivered")
    ]
    copies = session.read.parquet(f"{truth}/copies").agg(*extra)
    one_row = good.crossJoin(bad).crossJoin(copies)
    counts = one_row.select("good", "bad", "duplicate", "redelivered", "late").withColumn(
        "lines", F.col("good") + F.col("bad") + F.col("duplicate") + F.col("redelivered")
    )
    counts.write.parquet(f"{truth}/counts")
    return Written(**session.read.parquet(f"{truth}/counts").head(1)[0].asDict())
