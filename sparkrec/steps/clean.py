"""Bronze lines to clean events, searches, reviews, items, users and quarantine."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from operator import or_

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from sparkrec.cleaning.duplicates import one_of_each, with_equal_lines
from sparkrec.cleaning.elements import with_elements
from sparkrec.cleaning.identities import Pseudonyms, identities, relinked, with_user_ids
from sparkrec.cleaning.item_versions import READ_IN_WORDS, item_sightings, item_versions
from sparkrec.cleaning.kept import (
    INTERACTIONS,
    SEARCHES,
    carried_sessions,
    dirty_days,
    kept_events,
    own_id,
    sent_again,
)
from sparkrec.cleaning.labels import REVIEW, labelled_lines, left_out_keys
from sparkrec.cleaning.lookups import lookup_rows, with_lookups
from sparkrec.cleaning.outliers import with_outliers
from sparkrec.cleaning.queries import searches
from sparkrec.cleaning.refusals import reason_set
from sparkrec.cleaning.sessions import with_actor, with_bots, with_sessions
from sparkrec.cleaning.unusable import first_unusable
from sparkrec.cleaning.users import current_users
from sparkrec.config.privacy_key import privacy_key
from sparkrec.contracts import load_contract
from sparkrec.errors import DataError
from sparkrec.lake.days import is_of_days
from sparkrec.steps.cleaned_before import REVIEWS, cleaned_before, definition, landed_since
from sparkrec.steps.context import Counts, JobContext
from sparkrec.steps.runs import CLEANING, JobRun
from sparkrec.steps.suspicions import empty_columns, users_of_one_session
from sparkrec.text import is_longer

__all__ = ["definition", "run"]

ITEMS, SIGHTINGS, USERS = "silver.items", "silver.item_sightings", "silver.users"
QUARANTINE, IDENTITIES = "silver.quarantine", "private.identities"
_LATE, _NEW = "late.", "new_lines"
# What becomes of a line: each is counted on its own, and together they are all that landed.
_FATES = ("kept", "searches", "duplicates", "redelivered", "refused")


def run(context: JobContext) -> Counts:
    """Label each new line with all reasons against it, and put one of each into silver or into quarantine.

    Only the days are made anew that a new line may change; the tables are those that all lines together would make.
    All lines are new where there is no finished run to go on from, or where it went by another `definition`.

    Raises:
        ConfigurationError: An expression of the source file does not fit the landed columns, or ids are to be
            pseudonymised and there is no key.
        DataError: No event has a user, or landed = kept + duplicates + refused does not hold.
    """
    bronze = context.tables.read(f"bronze.{context.settings.source.name}")
    before = cleaned_before(context, CLEANING)
    if before is None:
        return Cleaning(context).clean(bronze)
    new = landed_since(bronze, before)
    if new is None:
        for table in before.run.outputs:
            context.tables.keep(table)
        return {name: rows for name, rows in before.run.counts.items() if not name.startswith(_LATE)} | {_NEW: 0}
    return Cleaning(context, before.run).clean(new)


@dataclass(frozen=True)
class Cleaning:
    """One run over lines that were not cleaned before, or not accepted.

    Attributes:
        context: The job's surroundings.
        base: The run that it goes on from; None makes the tables anew.
        replayed: All lines that were cleaned before, where those to be cleaned are all that are in quarantine, with
            their elements.
    """

    context: JobContext
    base: JobRun | None = None
    replayed: DataFrame | None = None

    def clean(self, lines: DataFrame) -> Counts:
        """Fill the silver tables from lines of the source's bronze table, and count what became of them."""
        labelled = self._labelled(lines)
        if self.base is None:
            return self._clean(labelled, None, None, None)
        # Read several times: for ids and days, and to be cleaned.
        labelled = labelled.persist(StorageLevel.DISK_ONLY)
        try:
            good = labelled.where(~_is_refused())
            people, moved = self._identities(good)
            if self.context.settings.source.users and moved is not None and not moved.isEmpty():
                # What is known of a user does not say which of the user's visitors said it.
                return Cleaning(self.context).clean(self.context.tables.read(f"bronze.{self._source}"))
            kept = self._kept()
            gap = None if self.context.settings.source.interactions.session_id else self._gap()
            days = dirty_days(good, kept, moved, gap)
            return self._clean(labelled, kept, days, people)
        finally:
            labelled.unpersist()

    def _clean(
        self, labelled: DataFrame, kept: DataFrame | None, days: Collection[date] | None, people: DataFrame | None
    ) -> Counts:
        """Clean labelled lines together with what is kept of the days that they touch; None stands for all days."""
        lines, carried, newest = labelled.withColumn("is_old", F.lit(False)), None, None
        if kept is not None and days is not None:
            row = kept.agg(F.max("event_date").alias("day")).first()
            newest = row.day if row else None
            old = kept.where(F.expr(is_of_days("event_date", days))).withColumn("is_old", F.lit(True))
            if self.context.settings.source.interactions.session_id is None:
                old = old.withColumn("session_id", F.lit(None).cast("string"))
                carried = carried_sessions(kept, days, self._gap())
            lines = lines.unionByName(self._with_deliveries(old, labelled), allowMissingColumns=True)
        # A refused line does not stand for the event whose id it has: a mended one may come.
        # The ids first: Spark sorts by the first bytes of the first column, and looks at rows only where these agree.
        key = [F.when(_is_refused(), F.col("row_id")).otherwise(own_id()), F.col("table"), _is_refused()]
        seen, is_old = Observation("lines"), F.col("is_old")
        different = (
            one_of_each(lines, *key, order=self._latest())
            .withColumn("file", F.when(_is_refused(), F.col("delivered.file")))
            .drop("delivered")
            .observe(
                seen,
                F.count_if(~is_old).alias("landed"),
                F.count_if(is_old & (F.col("table") == INTERACTIONS)).alias("old_events"),
                F.count_if(is_old & (F.col("table") == SEARCHES)).alias("old_searches"),
                F.count_if(F.col("copy") == "duplicate").alias("duplicates"),
                F.count_if(F.col("copy") == "redelivered").alias("redelivered"),
            )
            # An event that was sent again says something of its item and its user, too.
            .where("copy is null or copy = 'redelivered'")
            # Read several times: users, events, items, quarantine.
            .persist(StorageLevel.DISK_ONLY)
        )
        try:
            good = different.where(~_is_refused() & ~is_old)
            if self.base is None:
                people, _ = self._identities(good)
            written = self._write_events(different.where(~_is_refused()), carried, people, days)
            written |= self._write_users(good, people)
            written |= self._write_items(good)
            refused, again = self._write_refused(different.where(_is_refused()))
            late = _late_events(good.where("copy is null"), newest) if newest else {}
        finally:
            different.unpersist()
        observed = {name: int(rows or 0) for name, rows in seen.get.items()}
        counts = self._account(observed, written, refused, again) | late
        if self.base is None:
            self._say_what_looks_wrong(written["kept"])
        return counts

    def _say_what_looks_wrong(self, kept: int) -> None:
        source, tables = self.context.settings.source, self.context.tables
        events, expressions = tables.read(INTERACTIONS), source.expressions()
        mapped = [name for name in expressions["interactions"] if name in events.columns]
        for told in (
            users_of_one_session(events, kept),
            empty_columns(events, "interactions", mapped),
            empty_columns(tables.read(ITEMS), "items", [*expressions["items"]]),
        ):
            if told:
                self.context.say(told)

    def _labelled(self, lines: DataFrame) -> DataFrame:
        """`labelled_lines` of the lines with their lookups, with ``landed_user_id`` and the visitor's id beside it."""
        tables, source = self.context.tables, self.context.settings.source
        if self.replayed is None:
            lines = with_elements(lines, source)
        lines = with_lookups(lines, source.lookups, lookup_rows(source, tables.read))
        left_out = left_out_keys(lines, source)
        if left_out:
            self.context.say(f"no line has {', '.join(left_out)}: taken as missing")
        labelled = labelled_lines(lines, source, left_out)
        labelled = with_equal_lines(labelled, source.duplicates, source.interactions.quantity is not None)
        labelled = labelled.withColumnRenamed("user_id", "landed_user_id")
        known = self._pseudonyms().put(labelled, visitor_id=F.col("landed_user_id"))
        return known.withColumn("user_id", F.col("visitor_id"))

    def _latest(self) -> list[Column]:
        """What says which of the lines of one event is the latest; what silver holds already was delivered before."""
        told = self.context.settings.source.interactions.known_time
        return [*([F.col("known_time")] if told else []), F.col("delivered")]

    def _with_deliveries(self, old: DataFrame, labelled: DataFrame) -> DataFrame:
        """Events that silver holds, with when they were delivered where a replayed line may be from before that."""
        if self.replayed is None:
            return old
        again = sent_again(old, labelled.where(~_is_refused())).select("line_hash").distinct()
        if again.isEmpty():
            return old
        lines = Cleaning(self.context)._labelled(self.replayed).join(F.broadcast(again), "line_hash", "left_semi")
        return old.join(lines.groupBy("line_hash").agg(F.max("delivered").alias("delivered")), "line_hash", "left")

    def _pseudonyms(self) -> Pseudonyms:
        privacy = self.context.settings.privacy
        return Pseudonyms(self.context.spark, privacy_key(privacy) if privacy.pseudonymise else None)

    @property
    def _source(self) -> str:
        return self.context.settings.source.name

    def _gap(self) -> timedelta:
        return timedelta(minutes=self.context.settings.source.sessions.gap_minutes)

    def _identities(self, good: DataFrame) -> tuple[DataFrame | None, DataFrame | None]:
        """Bring private.identities up to date where landed ids are not the users' ids.

        Returns:
            What it says, if a visitor may be another's person, and the visitors who are another person than before.
        """
        settings = self.context.settings
        if not settings.privacy.pseudonymise and not settings.source.interactions.account_id:
            return None, None
        earlier = self._earlier(IDENTITIES)
        people = identities(good, earlier, self._pseudonyms().put)
        self.context.tables.replace(IDENTITIES, people.withColumn("source", F.lit(settings.source.name)))
        if not settings.source.interactions.account_id:
            return None, None
        people = self.context.tables.read(IDENTITIES)
        return people, None if earlier is None else relinked(people, earlier)

    def _earlier(self, table: str) -> DataFrame | None:
        """The table as the run left it that this one goes on from."""
        return self.context.tables.read(table, self.base.outputs[table]) if self.base else None

    def _kept(self) -> DataFrame:
        source = self.context.settings.source
        events = self._earlier(INTERACTIONS)
        if events is None:
            raise ValueError("there is no run to go on from")
        issued = self._earlier(SEARCHES) if source.searches else None
        return kept_events(events, issued, self._earlier(REVIEWS) if source.reviews else None)

    def _write_events(
        self, events: DataFrame, carried: DataFrame | None, people: DataFrame | None, days: Collection[date] | None
    ) -> Counts:
        """Write events as what they are: each with its person, its session, and whether that is a bot."""
        source = self.context.settings.source
        besides = (
            "copy",
            "is_old",
            "landed_user_id",
            "account_id",
            "item",
            "attributes",
            "row",
            "row_id",
            "reasons",
            "file",
        )
        events = with_outliers(events.where("copy is null").drop(*besides), load_contract(INTERACTIONS).outliers)
        events = events.withColumn("carried", F.lit(None).cast("string"))
        if carried is not None:
            events = events.unionByName(carried)
        events = with_actor(events)
        if people is not None:
            events = with_user_ids(events, people)
        if source.interactions.session_id is None:
            events = with_sessions(events, source.sessions)
        found = with_bots(events, source.bots).where("carried is null")
        found = found.withColumn("session_id", F.coalesce("session_id", "event_id"))
        if source.searches or source.reviews:
            # Else each of their tables would find sessions and bots anew.
            found = found.persist(StorageLevel.DISK_ONLY)
        try:
            return self._write_found(found, days)
        finally:
            found.unpersist()

    def _write_found(self, found: DataFrame, days: Collection[date] | None) -> Counts:
        source, tables = self.context.settings.source, self.context.tables
        counts = {"kept": self._put(INTERACTIONS, found.where(F.col("table") == INTERACTIONS), days)}
        written = tables.read(INTERACTIONS)
        if self.base is None and counts["kept"] and written.where("user_id is not null").isEmpty():
            raise DataError(
                f"{source.name}: none of {counts['kept']:,} events has a user: mend interactions.user_id of the source"
            )
        if source.searches:
            if days is not None:
                written = written.where(F.expr(is_of_days("event_date", days)))
            issued = searches(
                found.where(F.col("table") == SEARCHES),
                written.where(F.col("event_type") == "impression"),
                source.texts.longest_query,
            )
            counts["searches"] = self._put(SEARCHES, issued, days)
        if source.reviews:
            counts["reviews"] = self._put(REVIEWS, found.where(F.col("event_type") == REVIEW), days)
        return counts

    def _put(self, table: str, rows: DataFrame, days: Collection[date] | None) -> int:
        """Write these days of a table, or all of it; the rows written."""
        tables, rows = self.context.tables, rows.select(*load_contract(table).columns)
        if days is None:
            return tables.replace(table, rows)
        if not days:
            tables.keep(table)
            return 0
        return tables.replace_days(table, rows, days)

    def _write_users(self, good: DataFrame, people: DataFrame | None) -> Counts:
        source, tables = self.context.settings.source, self.context.tables
        if not source.users:
            return {}
        if people is not None:
            good = with_user_ids(with_actor(good), people)
        users = current_users(good, self._earlier(USERS))
        return {"users": tables.replace(USERS, users.withColumn("source", F.lit(source.name)))}

    def _write_items(self, good: DataFrame) -> Counts:
        tables, named = self.context.tables, F.lit(self._source)
        lines = good.where(F.col("table") == INTERACTIONS).select("item_id", "event_time", "unit_price", "item.*")
        sightings = item_sightings(lines, self._earlier(SIGHTINGS))
        tables.replace(SIGHTINGS, sightings.withColumn("source", named))
        longest = self.context.settings.source.texts.longest_title
        written = tables.replace(ITEMS, item_versions(tables.read(SIGHTINGS), longest).withColumn("source", named))
        return {"item_versions": written} | self._cut_items(longest)

    def _cut_items(self, longest: int) -> Counts:
        """How many items have texts of which other jobs see the beginning alone, where there are any."""
        is_cut = reduce(or_, [is_longer(F.col(name), longest) for name in READ_IN_WORDS])
        cut = self.context.tables.read(ITEMS).where(F.col("valid_to").isNull() & is_cut).count()
        if not cut:
            return {}
        self.context.say(
            f"{cut:,} items have a title, category path or brand of more characters than source.texts.longest_title, "
            f"{longest:,}: silver.items has it whole, other jobs see its beginning"
        )
        return {"cut_items": cut}

    def _write_refused(self, refused: DataFrame) -> tuple[Counts, int]:
        """Put refused lines that are new into quarantine; how many by their reasons, and how many were there before."""
        tables, again = self.context.tables, 0
        earlier = None if self.replayed is not None else self._earlier(QUARANTINE)
        if earlier is not None:
            key = ["table", "row_id"]
            again = refused.join(earlier.select(*key), key, "left_semi").count()
            refused = refused.join(earlier.select(*key), key, "left_anti")
        for told in first_unusable(refused, self.context.settings.source):
            self.context.say(told)
        rows = refused.withColumn("status", F.lit("refused")).select(*load_contract(QUARANTINE).columns)
        counted = refused.groupBy(reason_set(F.col("reasons")).alias("reasons")).count().collect()
        by_reason = {f"refused.{row.reasons}": int(row["count"]) for row in sorted(counted)}
        if earlier is None:
            return {"refused": tables.replace(QUARANTINE, rows)} | by_reason, again
        if by_reason:
            # What is there already was left out; a job that runs again in one run has rows of its own.
            return {"refused": tables.append(QUARANTINE, rows, uuid.uuid4().hex)} | by_reason, again
        tables.keep(QUARANTINE)
        return {"refused": 0}, again

    def _account(self, observed: Counts, written: Counts, refused: Counts, again: int) -> Counts:
        """Counts of all lines so far.

        Raises:
            DataError: They do not add up.
        """
        came = {
            "landed": observed["landed"],
            "kept": written["kept"] - observed["old_events"],
            "duplicates": observed["duplicates"] + again,
            "redelivered": observed["redelivered"],
        } | refused
        if "searches" in written:
            came["searches"] = written["searches"] - observed["old_searches"]
        if came["landed"] != sum(came.get(name, 0) for name in _FATES):
            told = " + ".join(f"{came[name]:,} {name}" for name in _FATES if name in came)
            raise DataError(f"{self._source}: {came['landed']:,} lines landed, but {told} are not that many")
        before = self.base.counts if self.base else {}
        if self.replayed is not None and (quarantined := self._earlier(QUARANTINE)) is not None:
            # These lines were counted before, copies of a refused one as duplicates. Those refused now are all.
            came["duplicates"] -= came["landed"] - quarantined.count()
            came["landed"] = 0
            before = {name: rows for name, rows in before.items() if not name.startswith("refused")}
        reasons = {name: 0 for name in before if name.startswith("refused.")}
        total = {name: before.get(name, 0) + rows for name, rows in (reasons | came).items()}
        others = {name: rows for name, rows in written.items() if name not in came}
        return total | others | ({_NEW: observed["landed"]} if self.base else {})


def _is_refused() -> Column:
    # What silver holds already has no reasons at all.
    return F.coalesce(F.size("reasons") > 0, F.lit(False))


def _late_events(fresh: DataFrame, newest: date) -> Counts:
    """New events by their day, ``late.<day>``, where silver had events of that day or of a later one."""
    late = fresh.where(F.col("event_date") <= F.lit(newest)).groupBy("event_date").count().orderBy("event_date")
    return {f"{_LATE}{row.event_date}": int(row["count"]) for row in late.collect()}
