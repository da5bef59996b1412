"""Bronze lines to clean events, searches, reviews, items, users and quarantine."""

from pyspark import StorageLevel
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from sparkrec.cleaning.duplicates import one_of_each
from sparkrec.cleaning.identities import identities, keyed_hash, with_user_ids
from sparkrec.cleaning.item_versions import item_versions
from sparkrec.cleaning.labels import REVIEW, labelled_lines, left_out_keys
from sparkrec.cleaning.lookups import with_lookup
from sparkrec.cleaning.queries import searches
from sparkrec.cleaning.refusals import reason_set
from sparkrec.cleaning.sessions import with_actor, with_bots, with_sessions
from sparkrec.cleaning.users import current_users
from sparkrec.config.privacy_key import privacy_key
from sparkrec.contracts import load_contract
from sparkrec.errors import DataError
from sparkrec.lake.landing import LANDING_COLUMNS
from sparkrec.steps.context import Counts, JobContext


def run(context: JobContext) -> Counts:
    """Label each line with all reasons against it, and put one of each into silver or into quarantine.

    Raises:
        ConfigurationError: An expression of the source file does not fit the landed columns, or ids are to be
            pseudonymised and there is no key.
        DataError: No event has a user, or landed = kept + duplicates + refused does not hold.
    """
    source, tables = context.settings.source, context.tables
    lines = tables.read(f"bronze.{source.name}")
    for name, lookup in source.lookups.items():
        rows = tables.read(f"bronze.{source.of_lookup(name).name}").drop(*LANDING_COLUMNS)
        lines = with_lookup(lines, name, rows, lookup.key)
    left_out = left_out_keys(lines, source)
    if left_out:
        context.say(f"no line has {', '.join(left_out)}: taken as missing")
    labelled = labelled_lines(lines, source, left_out)
    is_refused = F.size("reasons") > 0
    # A refused line does not stand for the event whose id it has: a mended one may come.
    key = F.when(is_refused, F.concat(F.lit("refused "), "row_id")).otherwise(F.concat_ws(" ", "table", "event_id"))
    seen = Observation("copies")
    different = (
        one_of_each(labelled, key)
        .observe(
            seen,
            F.count(F.lit(1)).alias("landed"),
            F.count_if(F.col("copy") == "duplicate").alias("duplicates"),
            F.count_if(F.col("copy") == "redelivered").alias("redelivered"),
        )
        .where("copy is null")
        .drop("copy")
        # Read several times: users, events, items, quarantine.
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    try:
        refused = different.where(is_refused)
        kept = different.where(~is_refused)
        sightings = kept.where("table = 'silver.interactions'").select("item_id", "event_time", "unit_price", "item.*")
        items = item_versions(sightings).withColumn("source", F.lit(source.name))
        counts = _write_events(context, kept) | {
            "item_versions": tables.replace("silver.items", items),
            "refused": tables.replace(
                "silver.quarantine",
                _as("silver.quarantine", refused.withColumn("status", F.lit("refused"))),
            ),
        }
        by_reason = refused.groupBy(reason_set(F.col("reasons")).alias("reasons")).count().collect()
    finally:
        different.unpersist()
    copies = {name: int(rows or 0) for name, rows in seen.get.items()}
    accounted = ("kept", "searches", "duplicates", "redelivered", "refused")
    counts |= copies
    if counts["landed"] != sum(counts.get(name, 0) for name in accounted):
        told = " + ".join(f"{counts[name]:,} {name}" for name in accounted if name in counts)
        raise DataError(f"{source.name}: {counts['landed']:,} lines landed, but {told} are not that many")
    return counts | {f"refused.{row.reasons}": int(row["count"]) for row in sorted(by_reason)}


def _write_events(context: JobContext, kept: DataFrame) -> Counts:
    """Write the kept lines as what they are: each with its person, its session, and whether that is a bot."""
    source, tables = context.settings.source, context.tables
    privacy = context.settings.privacy
    if privacy.pseudonymise or source.interactions.account_id:
        pseudonym = keyed_hash(privacy_key(privacy)) if privacy.pseudonymise else None
        people = identities(kept, pseudonym).withColumn("source", F.lit(source.name))
        tables.replace("private.identities", people)
        kept = with_user_ids(kept, tables.read("private.identities"))
    kept = with_actor(kept)
    if source.interactions.session_id is None:
        kept = with_sessions(kept, source.sessions)
    found = with_bots(kept, source.bots).withColumn("session_id", F.coalesce("session_id", "event_id"))
    found = found.drop("actor", "agent", "item", "account_id", "row", "reasons")
    if source.users or source.searches or source.reviews:
        # Else each of their tables would find sessions and bots anew.
        found = found.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        return _write_found(context, found)
    finally:
        found.unpersist()


def _write_found(context: JobContext, found: DataFrame) -> Counts:
    source, tables = context.settings.source, context.tables
    events = found.where("table = 'silver.interactions'")
    counts = {"kept": tables.replace("silver.interactions", _as("silver.interactions", events))}
    written = tables.read("silver.interactions")
    if counts["kept"] and written.where("user_id is not null").isEmpty():
        raise DataError(
            f"{source.name}: none of {counts['kept']:,} events has a user: mend interactions.user_id of the source"
        )
    if source.users:
        counts["users"] = tables.replace("silver.users", current_users(found).withColumn("source", F.lit(source.name)))
    if source.searches:
        shown = written.where("event_type = 'impression'")
        issued = searches(found.where("table = 'silver.searches'"), shown)
        counts["searches"] = tables.replace("silver.searches", _as("silver.searches", issued))
    if source.reviews:
        reviews = found.where(F.col("event_type") == REVIEW)
        counts["reviews"] = tables.replace("silver.reviews", _as("silver.reviews", reviews))
    return counts


def _as(table: str, rows: DataFrame) -> DataFrame:
    """The columns of the table among those that lines have while they are cleaned."""
    return rows.select(*load_contract(table).columns)
