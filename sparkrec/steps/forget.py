"""Remove people from the lake: no job of the graph, but what ``sparkrec forget`` does."""

import io
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from graphlib import TopologicalSorter
from typing import TypeVar

import pyarrow as pa
from pyarrow import parquet as pq
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.duplicates import row_id
from sparkrec.cleaning.forgotten import key_of_row, mark, with_landed_ids
from sparkrec.cleaning.identities import of_account
from sparkrec.cleaning.labels import used_columns
from sparkrec.cleaning.lookups import lookup_rows
from sparkrec.config import Settings
from sparkrec.config.settings import SourceSettings
from sparkrec.contracts import Contract, load_contract
from sparkrec.contracts.contract import (
    IDS_OF_PEOPLE,
    ForgetNothing,
    ForgetRows,
    ForgetTexts,
    ForgetValue,
    Person,
    column_of,
)
from sparkrec.contracts.spark import column, conform
from sparkrec.errors import DataError
from sparkrec.lake import Lake, files
from sparkrec.landing.batches import batches_of
from sparkrec.landing.columns import UNREADABLE_LINE, own_columns
from sparkrec.landing.find import landing_files
from sparkrec.text import normalised_query

_Result = TypeVar("_Result")
IDENTITIES, FORGOTTEN, BATCHES = "private.identities", "private.forgotten", "private.forgotten_batches"
# Made from all people together, so that none can be cut out.
_MADE_AGAIN = ("shards", "models", "restaged")
# Of a personal column nobody says which id it holds.
_ANY = "any"
# While the command is at work: the ids that were given.
_GIVEN = "private/being_forgotten"
_LANDING_LIST = "private/landing_files.txt"
# Shorter values, such as a country, are those of many people.
_TELLING = 4
# A shorter id may be the number of something else.
_UNMISTAKABLE = 16
# Tables at a time: of a small one Spark plans longer than it works.
_AT_ONCE = 4


@dataclass(frozen=True)
class Forgotten:
    """What became of people who are to be forgotten.

    Attributes:
        removed: Rows removed by table.
        landing: Landing files that still hold somebody who was forgotten, now or before.
        landing_list: The file that names them, one a line; there is none where there are no such files.
    """

    removed: dict[str, int]
    landing: tuple[str, ...]
    landing_list: str


def forget(settings: Settings, spark: SparkSession, users: Mapping[str, str]) -> Forgotten:
    """Remove every trace of the people behind landed user ids or accounts.

    They go from bronze, from every table as its contract says, from the history of these tables, and with the
    shards, models and report page that were made with them; the next run makes these again. Lines of theirs that
    are delivered again are left out from now on. After a failure it can be run again.

    Args:
        settings: Those of the lake's source.
        spark: The session. No id gets into a plan of it.
        users: The ids, each by what messages call it.

    Raises:
        DataError: Nobody has one of the ids, and nothing was changed; or something of the people is left.
        ConfigurationError: A table has no contract, and nothing was changed.
    """
    lake, source = Lake(spark, settings.lake), settings.source
    contracts = _contracts(lake)
    lookups = [source.of_lookup(name) for name, lookup in source.lookups.items() if lookup.personal]
    # A line may name a person by a lookup's row, which therefore goes after it.
    sources = [one for one in (source, *lookups) if lake.exists(f"bronze.{one.name}")]
    with lake.as_of_few_rows(), _written_down(lake, users.values()) as given:
        people = _people(lake, source, given, [*users])
        _remember(lake, source, people, given)
        none = spark.createDataFrame([], "_row string, _batch_id string, source string")
        lines = reduce(DataFrame.unionByName, [_lines(lake, one, people) for one in sources], none).localCheckpoint()
        _remember_batches(lake, lines)
        ids = _with_further_ids(lake, contracts, people, lines)
        removed = _remove(lake, contracts, source, sources, ids, lines)
        for made in _MADE_AGAIN:
            files.delete_folder(lake.path(made))
        files.delete_file(f"{settings.report_folder}/index.html")
        _at_once(lake.purge, [name for name, one in contracts.items() if not isinstance(one.people, ForgetNothing)])
        _search(lake, contracts, sources, ids)
    landing = _landing(lake, sources)
    return Forgotten({table: rows for table, rows in removed.items() if rows}, landing, _list(lake, landing))


def _contracts(lake: Lake) -> dict[str, Contract]:
    """The contract of every table, and of those whose texts another's are held against."""
    contracts = {table: load_contract(table) for table in lake.tables(with_private=True)}
    for table, contract in contracts.items():
        if isinstance(contract.people, ForgetRows | ForgetValue):
            there = lake.read(table).columns
            if not any(name in there for name in contract.of_person(*IDS_OF_PEOPLE)):
                raise DataError(f"{table} has none of the columns that name people: run its job again, or remove it")
    return contracts


@contextmanager
def _written_down(lake: Lake, users: Iterable[str]) -> Iterator[DataFrame]:
    """The ids as a table ``place, given, salt``: what Spark reads of a file stands in no plan and no log."""
    folder = lake.path(_GIVEN)
    # A command that was killed may have left it.
    files.delete_folder(folder)
    files.make_private_folder(folder)
    rows = [(place, user) for place, user in enumerate(users)]
    table = pa.table(
        {
            "place": pa.array([place for place, _ in rows], pa.int32()),
            "given": pa.array([user for _, user in rows], pa.string()),
            "salt": pa.array([secrets.token_hex(16)] * len(rows), pa.string()),
        }
    )
    packed = io.BytesIO()
    pq.write_table(table, packed, write_statistics=False)
    try:
        files.write_bytes(f"{folder}/ids.parquet", packed.getvalue())
        read = lake.spark.read.schema("place int, given string, salt string")
        yield read.parquet(files.for_spark(f"{folder}/ids.parquet"))
    finally:
        files.delete_folder(folder)


def _people(lake: Lake, source: SourceSettings, given: DataFrame, names: Sequence[str]) -> DataFrame:
    """``kind`` and ``id`` of all that stands for the people, of the kinds of columns that contracts know.

    Raises:
        DataError: Nobody has one of the ids.
    """
    found, places, left = [], set(), given
    if lake.exists(IDENTITIES):
        known = lake.read(IDENTITIES)
        by_id = [
            known.join(F.broadcast(given), known[name] == given["given"]).select("place", "user_id")
            for name in ("landed_user_id", "account_id")
        ]
        people = by_id[0].union(by_id[1]).localCheckpoint()
        places = {row.place for row in people.select("place").distinct().collect()}
        left = given.join(people, "place", "left_anti")
        kinds = load_contract(IDENTITIES).of_person()
        each = F.array(*[F.struct(F.lit(kind).alias("kind"), F.col(name).alias("id")) for name, kind in kinds.items()])
        of_them = known.join(F.broadcast(people.select("user_id").distinct()), "user_id", "left_semi")
        found.append(of_them.select(F.inline(each)).where("id is not null"))
    if len(places) < len(names):
        # Lines may tell, or marks: after a command that was broken off somebody may be gone from here.
        others = _landed_only(lake, source, left).localCheckpoint()
        places |= {row.place for row in others.select("place").distinct().collect()}
        found.append(others.select("kind", "id"))
    if unknown := [name for place, name in enumerate(names) if place not in places]:
        raise DataError(f"{lake.root} knows no user or account of {_some(unknown)}: nothing was changed")
    return reduce(DataFrame.union, found).distinct().localCheckpoint()


def _landed_only(lake: Lake, source: SourceSettings, given: DataFrame) -> DataFrame:
    """``place, kind, id`` of those of the given ids that a line or a mark knows."""
    lines = with_landed_ids(lake.read(f"bronze.{source.name}"), source, lookup_rows(source, lake.read))
    as_user = given.select("place", "given", F.col("given").alias("_id"), F.lit("landed_id").alias("kind"))
    as_account = given.select("place", "given", of_account("given").alias("_id"), F.lit("account").alias("kind"))
    asked = as_user.union(as_account)
    known = lines.select(F.explode(F.array("_user", "_account")).alias("_id")).distinct()
    found = [asked.join(known, "_id", "left_semi")]
    if lake.exists(FORGOTTEN):
        marks = lake.read(FORGOTTEN).select("salt", "mark")
        salted = asked.join(F.broadcast(marks.select(F.col("salt").alias("_salt")).distinct()), how="cross")
        known = marks.select("mark").distinct()
        found.append(
            salted.withColumn("mark", mark(F.col("_salt"), F.col("_id")))
            .join(known, "mark", "left_semi")
            .select("_id", "place", "given", "kind")
        )
    # Where ids are not made unreadable, the landed one is that of all tables.
    kinds = F.when(F.col("kind") == "landed_id", F.array(*map(F.lit, ("landed_id", "visitor_id", "user_id"))))
    kinds = kinds.otherwise(F.array(F.lit("account")))
    of_account_id = F.when(F.col("kind") == "account", of_account("given")).otherwise(F.col("given"))
    told = reduce(DataFrame.unionByName, found).select("place", F.explode(kinds).alias("kind"), "given")
    accounts = reduce(DataFrame.unionByName, found).where("kind = 'account'")
    named = accounts.select("place", F.lit("user_id").alias("kind"), of_account_id.alias("given"))
    return told.union(named).distinct().withColumnRenamed("given", "id")


def _remember(lake: Lake, source: SourceSettings, people: DataFrame, given: DataFrame) -> None:
    """Write down marks of the people before anything goes, so that nothing comes back between."""
    salt = given.agg(F.max("salt").alias("salt"))
    if lake.exists(FORGOTTEN):
        earlier = lake.read(FORGOTTEN).agg(F.max("salt").alias("_earlier"))
        salt = salt.join(earlier, how="cross").select(F.coalesce("_earlier", "salt").alias("salt"))
    ids = _landed_ids(people).union(_rows_of(lake, source, people))
    now = datetime.now(UTC)
    salted = ids.join(F.broadcast(salt), how="cross")
    marks = salted.select("salt", mark(F.col("salt"), F.col("_id")).alias("mark")).withColumns(
        {"forgotten_at": F.lit(now), "source": F.lit(source.name)}
    )
    lake.append(FORGOTTEN, conform(marks, load_contract(FORGOTTEN)), f"forget {now.isoformat()}")


def _rows_of(lake: Lake, source: SourceSettings, people: DataFrame) -> DataFrame:
    """``_id`` of the rows of personal lookups that are about the people."""
    found = lake.spark.createDataFrame([], "_id string")
    for name, lookup in source.lookups.items():
        of_lookup = source.of_lookup(name)
        if lookup.personal and lake.exists(f"bronze.{of_lookup.name}"):
            rows = with_landed_ids(lake.read(f"bronze.{of_lookup.name}"), of_lookup, {})
            rows = rows.join(F.broadcast(_landed_ids(people)), F.col("_id") == F.col("_user"), "left_semi")
            found = found.union(rows.select(key_of_row(name, {one: column(one) for one in lookup.key})))
    return found.distinct()


def _landed_ids(people: DataFrame) -> DataFrame:
    """``_id`` of all that a line may name the people by, as `with_landed_ids` gives it."""
    id_ = F.when(F.col("kind") == "account", of_account("id")).otherwise(F.col("id"))
    return people.where("kind in ('landed_id', 'account')").select(id_.alias("_id")).distinct()


def _lines(lake: Lake, source: SourceSettings, people: DataFrame) -> DataFrame:
    """``source, _row, _batch_id`` of the people's lines, and of unreadable ones that hold something of the people."""
    bronze = lake.read(f"bronze.{source.name}")
    own = own_columns(bronze.columns)
    bronze = with_landed_ids(bronze.withColumn("_row", row_id(own)), source, lookup_rows(source, lake.read))
    named = bronze
    for name in ("_user", "_account"):
        # Spark would hold every line against every id where either may be it.
        one = F.broadcast(_landed_ids(people).withColumnRenamed("_id", f"_is{name}"))
        named = named.join(one, F.col(name) == F.col(f"_is{name}"), "left")
    lines = named.where(F.coalesce("_is_user", "_is_account").isNotNull())
    rows = lines.select("_row", "_batch_id")
    if UNREADABLE_LINE in own:
        texts = people.where("kind in ('landed_id', 'account')").select(F.col("id").alias("_text"))
        if personal := [column(name) for name in source.personal if name in own]:
            texts = texts.union(lines.select(F.explode(F.array(*personal))))
        texts = texts.where(F.length("_text") >= _TELLING).distinct()
        unreadable = bronze.where(column(UNREADABLE_LINE).isNotNull())
        holds = F.contains(F.col(UNREADABLE_LINE), F.col("_text"))
        rows = rows.union(unreadable.join(F.broadcast(texts), holds, "left_semi").select("_row", "_batch_id"))
    return rows.distinct().withColumn("source", F.lit(source.name))


def _remember_batches(lake: Lake, lines: DataFrame) -> None:
    """Write down which landing files held the people, before their lines go."""
    batches = lines.select(F.col("_batch_id").alias("batch_id"), "source").distinct()
    if lake.exists(BATCHES):
        batches = batches.join(lake.read(BATCHES), ["batch_id", "source"], "left_anti")
    now = datetime.now(UTC)
    lake.append(BATCHES, conform(batches, load_contract(BATCHES)), f"forget {now.isoformat()}")


def _with_further_ids(lake: Lake, contracts: Mapping[str, Contract], people: DataFrame, lines: DataFrame) -> DataFrame:
    """The people's ids with the numbers that stand for them and the hashes of their lines."""
    ids = people.union(lines.select(F.lit("line"), "_row"))
    for table, contract in contracts.items():
        if isinstance(contract.people, ForgetValue):
            (name,) = contract.of_person(*IDS_OF_PEOPLE)
            known = lake.read(table).where(contract.people.where)
            of_people = people.where("kind = 'user_id'").select(F.col("id").alias(name))
            indices = known.join(F.broadcast(of_people), name, "left_semi").select(contract.people.index)
            ids = ids.union(indices.select(F.lit("user_index"), F.col(contract.people.index).cast("string")))
    return ids.distinct().localCheckpoint()


def _remove(
    lake: Lake,
    contracts: Mapping[str, Contract],
    source: SourceSettings,
    sources: Sequence[SourceSettings],
    ids: DataFrame,
    lines: DataFrame,
) -> dict[str, int]:
    """Remove the people from all tables; rows removed by table.

    What tells who they are goes last, so that a command that was broken off finds them again.
    """
    hits = _hits(lake, contracts, ids)

    def rows_of(private: bool) -> dict[str, int]:
        wanted = [
            table
            for table in sorted({table for table, _ in hits})
            if isinstance(contracts[table].people, ForgetRows) and (contracts[table].layer == "private") == private
        ]

        def delete(table: str) -> int:
            by = [(name, kind) for name, kind in contracts[table].of_person().items() if (table, name) in hits]
            return sum(lake.delete(table, _of_kind(ids, kind), _same(name, kind)) for name, kind in by)

        return dict(zip(wanted, _at_once(delete, wanted), strict=True))

    removed = rows_of(private=False) | _remove_texts(lake, contracts, source)
    for table, contract in contracts.items():
        if isinstance(contract.people, ForgetValue) and any(table == hit for hit, _ in hits):
            ((name, kind),) = contract.of_person(*IDS_OF_PEOPLE).items()
            # The number stays taken: no other user may come into the place of this one.
            values = {name: f"concat('forgotten ', t.`{contract.people.index}`)"}
            lake.update(table, _of_kind(ids, kind), f"{contract.people.where} and {_same(name, kind)}", values)
    for one in sources:
        table = f"bronze.{one.name}"
        found = lines.where(F.col("source") == one.name).select("_row").distinct()
        if not found.isEmpty():
            own = own_columns(lake.read(table).columns)
            removed[table] = lake.delete(table, found, row_id(own, "t") == F.col("f._row"))
    return removed | rows_of(private=True)


def _hits(lake: Lake, contracts: Mapping[str, Contract], ids: DataFrame) -> set[tuple[str, str]]:
    """Tables with rows that name one of the people, each with the columns that are the first of a row to do so."""
    found = []
    for table, contract in contracts.items():
        if not isinstance(contract.people, ForgetRows | ForgetValue):
            continue
        rows = lake.read(table)
        if isinstance(contract.people, ForgetValue):
            rows = rows.where(contract.people.where)
        named = {name: kind for name, kind in contract.of_person(*IDS_OF_PEOPLE).items() if name in rows.columns}
        told = [
            F.struct(F.lit(place).alias("place"), F.lit(name).alias("column"), *_named(column(name), kind))
            for place, (name, kind) in enumerate(named.items())
        ]
        rows = rows.select(F.monotonically_increasing_id().alias("row"), F.array(*told).alias("told"))
        found.append(rows.select(F.lit(table).alias("table"), "row", F.inline("told")))
    if not found:
        return set()
    # One join behind all of them, and not one in each, is what Spark plans and compiles in seconds.
    held = reduce(DataFrame.union, found).join(F.broadcast(ids), ["kind", "id"], "left_semi")
    first = held.groupBy("table", "row").agg(F.min(F.struct("place", "column"))["column"].alias("column"))
    return {(row.table, row["column"]) for row in first.select("table", "column").distinct().collect()}


def _of_kind(ids: DataFrame, kind: Person) -> DataFrame:
    return ids.where(F.col("kind") == kind).select("id")


def _named(value: Column, kind: Person) -> tuple[Column, Column]:
    """``kind`` and ``id`` of a column that names people."""
    # A line that was taken apart has the element's place behind its hash.
    id_ = F.substring_index(value, "#", 1) if kind == "line" else value.cast("string")
    return F.lit(kind).alias("kind"), id_.alias("id")


def _same(name: str, kind: Person) -> str:
    """SQL condition: whether the column ``name`` of ``t`` has the id of ``f``."""
    named = f"t.`{name}`"
    if kind == "user_index":
        return f"{named} = cast(f.id as int)"
    return f"substring_index({named}, '#', 1) = f.id" if kind == "line" else f"{named} = f.id"


def _remove_texts(lake: Lake, contracts: Mapping[str, Contract], source: SourceSettings) -> dict[str, int]:
    """Remove rows whose texts stand nowhere any more, in the order in which tables are held against each other."""
    of_texts = {table: one.people for table, one in contracts.items() if isinstance(one.people, ForgetTexts)}
    order = TopologicalSorter({table: {*of_texts} & {*people.tables} for table, people in of_texts.items()})
    order.prepare()
    longest = max(source.texts.longest_query, source.texts.longest_title)
    removed: dict[str, int] = {}
    while order.is_active():
        ready = order.get_ready()
        deleted = _at_once(lambda table: _remove_texts_of(lake, table, of_texts[table], longest), ready)
        removed |= dict(zip(ready, deleted, strict=True))
        order.done(*ready)
    return removed


def _remove_texts_of(lake: Lake, table: str, people: ForgetTexts, longest: int) -> int:
    rows = lake.read(table).select(*people.columns).distinct()
    gone = []
    for name, places in people.texts.items():
        known = _texts_in(lake, places)
        gone.append(rows.where(F.col(name).isNotNull()).join(known, F.col(name) == F.col("_text"), "left_anti"))
    for name, places in people.words.items():
        words = _words(rows.select(F.col(name).alias("_text")).distinct())
        known = _words(_texts_in(lake, places).select(normalised_query(F.col("_text"), longest).alias("_text")))
        of_others = words.join(known.select("_word").distinct(), "_word", "left_anti").select("_text")
        gone.append(rows.join(of_others, F.col(name) == F.col("_text"), "left_semi"))
    found = reduce(DataFrame.union, gone).distinct().localCheckpoint()
    if found.isEmpty():
        return 0
    return lake.delete(table, found, " and ".join(f"t.`{name}` <=> f.`{name}`" for name in people.columns))


def _texts_in(lake: Lake, places: Iterable[str]) -> DataFrame:
    """``_text``: each text that stands in one of the columns (``layer.table.column``)."""
    found = lake.spark.createDataFrame([], "_text string")
    for table, name in map(column_of, places):
        if lake.exists(table):
            found = found.union(lake.read(table).select(name))
    return found.where("_text is not null").distinct()


def _words(texts: DataFrame) -> DataFrame:
    return texts.select("_text", F.explode(F.split("_text", " ")).alias("_word")).where("_word != ''")


def _search(lake: Lake, contracts: Mapping[str, Contract], sources: Sequence[SourceSettings], ids: DataFrame) -> None:
    """Look for the people's ids in every text of every table, in one query.

    A short one counts only where a column names people, or is personal in a landed line.

    Raises:
        DataError: There is one.
    """
    sources_of = {f"bronze.{source.name}": source for source in sources}
    found = []
    for table, contract in contracts.items():
        rows = lake.read(table)
        named = {name: kind for name, kind in contract.of_person(*IDS_OF_PEOPLE).items() if name in rows.columns}
        texts = [name for name, kind in rows.dtypes if kind == "string" and name not in named]
        told = [_named(column(name), kind) for name, kind in named.items()]
        if isinstance(contract.people, ForgetValue):
            told = [(F.when(F.expr(contract.people.where), kind).alias("kind"), id_) for kind, id_ in told]
        if table in sources_of:
            source = sources_of[table]
            rows = with_landed_ids(rows, source, lookup_rows(source, lake.read))
            told += [_named(F.col("_user"), "landed_id"), _named(F.col("_account"), "account")]
            told += [(F.lit(_ANY).alias("kind"), column(name).alias("id")) for name in source.personal if name in texts]
        told += [(F.lit(None).cast("string").alias("kind"), column(name).alias("id")) for name in texts]
        if told:
            counting = rows.select(F.inline(F.array(*[F.struct(*one) for one in told])))
            counting = counting.where(F.col("kind").isNotNull() | (F.length("id") >= _UNMISTAKABLE))
            found.append(counting.select("kind", "id", F.lit(table).alias("table")))
    accounts = ids.where("kind = 'account'").select("kind", of_account("id").alias("id"))
    wanted = F.broadcast(ids.union(accounts).select(F.col("kind").alias("_kind"), F.col("id").alias("_id")))
    is_landed = F.col("_kind").isin("landed_id", "account")
    is_meant = F.col("kind").isNull() | (F.col("kind") == F.col("_kind")) | ((F.col("kind") == _ANY) & is_landed)
    held = reduce(DataFrame.union, found).join(wanted, (F.col("id") == F.col("_id")) & is_meant, "left_semi")
    if left := sorted(row.table for row in held.select("table").distinct().collect()):
        raise DataError(f"something of the people is left in {_some(left)}: run the same command again")


def _landing(lake: Lake, sources: Sequence[SourceSettings]) -> tuple[str, ...]:
    """Landing files that hold somebody who was forgotten."""
    held = {(row.source, row.batch_id) for row in lake.read(BATCHES).collect()}
    found: list[str] = []
    for source in sources:
        if any(name == source.name for name, _ in held):
            by_name = "_source_file" in used_columns(lake.spark, source)
            batches = batches_of(lake.spark, landing_files(source), by_name)
            found += [uri for uri, batch in batches.items() if (source.name, batch) in held]
    return tuple(sorted(found))


def _list(lake: Lake, landing: Sequence[str]) -> str:
    """Write the paths of the files; the list's own."""
    path = lake.path(_LANDING_LIST)
    if landing:
        files.write_bytes(path, "".join(f"{uri}\n" for uri in landing).encode())
    else:
        files.delete_file(path)
    return path


def _at_once(work: Callable[[str], _Result], items: Collection[str]) -> list[_Result]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, items))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
