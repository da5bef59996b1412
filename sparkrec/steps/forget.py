"""Remove a person from the lake: no job of the graph, but what ``sparkrec forget`` does."""

import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.duplicates import row_id
from sparkrec.cleaning.forgotten import key_of_row, mark, with_landed_ids
from sparkrec.cleaning.identities import of_account
from sparkrec.cleaning.lookups import lookup_rows
from sparkrec.config import Settings
from sparkrec.config.settings import SourceSettings
from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import column, conform
from sparkrec.errors import DataError
from sparkrec.lake import Lake, files
from sparkrec.landing.columns import UNREADABLE_LINE, own_columns

IDENTITIES, FORGOTTEN = "private.identities", "private.forgotten"
SEARCHES, QUERY_TEXT = "silver.searches", "features.query_text"
# Shorter values, such as a country, are those of many people.
_TELLING = 4
# A shorter id may be the number of something else.
_UNMISTAKABLE = 16


def forget(settings: Settings, spark: SparkSession, user: str, say: Callable[[str], None]) -> dict[str, int]:
    """Remove every trace of the person behind a landed user id or account.

    The person goes from bronze, from every table that has users, from the history of these tables, and with the
    shards, models and report page that were made with the person; the next run makes these anew. Lines of the
    person that are delivered again are left out from now on. After a failure it can be run again.

    Returns:
        Rows removed by table.

    Raises:
        DataError: Nobody has this id, or something of the person is left.
    """
    lake, source = Lake(spark, settings.lake), settings.source
    person = _person(lake, source, user)
    if person.isEmpty():
        raise DataError(f"{settings.lake} knows no user or account of this id: nothing was changed")
    _remember(lake, source, person)
    lookups = [source.of_lookup(name) for name, lookup in source.lookups.items() if lookup.personal]
    sources = [one for one in (source, *lookups) if lake.exists(f"bronze.{one.name}")]
    removed: dict[str, int] = {}
    for one in sources:
        removed |= _from_bronze(lake, one, person, say)
    ids = person.where("kind = 'person'").select("id")
    indices = None
    if lake.exists("features.vocabulary"):
        vocabulary = lake.read("features.vocabulary").where("feature = 'user'")
        indices = vocabulary.join(ids, vocabulary["value"] == ids["id"]).select("index").localCheckpoint()
    for table in lake.tables():
        columns = lake.read(table).columns
        if "user_id" in columns:
            removed[table] = lake.delete(table, ids, "t.user_id = f.id")
        elif "user_index" in columns and indices is not None:
            removed[table] = lake.delete(table, indices, "t.user_index = f.index")
        elif table == "features.vocabulary":
            # The index stays taken: no other user may come into the place of this one.
            lake.update(table, ids, "t.feature = 'user' and t.value = f.id", {"value": "concat('forgotten ', t.index)"})
        elif table == QUERY_TEXT and lake.exists(SEARCHES):
            # What nobody else has typed; the searches of the person are gone by now.
            typed = lake.read(table).select("normalised_query")
            alone = typed.join(lake.read(SEARCHES), "normalised_query", "left_anti").localCheckpoint()
            removed[table] = lake.delete(table, alone, "t.normalised_query = f.normalised_query")
        lake.purge(table)
    for made in ("shards", "models"):
        files.delete_folder(lake.path(made))
    files.delete_file(f"{settings.report_folder}/index.html")
    if lake.exists(IDENTITIES):
        removed[IDENTITIES] = lake.delete(IDENTITIES, ids, "t.user_id = f.id")
        lake.purge(IDENTITIES)
    _search(lake, sources, person)
    return {table: rows for table, rows in removed.items() if rows}


def _person(lake: Lake, source: SourceSettings, user: str) -> DataFrame:
    """``kind`` and ``id`` of all that stands for the person.

    The kinds: landed and account, as lines name the person; visitor and person, as the other tables do.
    """
    given = lake.spark.createDataFrame([(user,)], "given string")
    if lake.exists(IDENTITIES):
        known = lake.read(IDENTITIES)
        is_given = (F.col("given") == F.col("landed_user_id")) | (F.col("given") == F.col("account_id"))
        people = known.join(given, is_given).select("user_id").distinct()
        rows = known.join(people, "user_id").select(
            F.explode(
                F.array(
                    F.struct(F.lit("landed").alias("kind"), F.col("landed_user_id").alias("id")),
                    F.struct(F.lit("account").alias("kind"), F.col("account_id").alias("id")),
                    F.struct(F.lit("visitor").alias("kind"), F.col("visitor_id").alias("id")),
                    F.struct(F.lit("person").alias("kind"), F.col("user_id").alias("id")),
                )
            ).alias("one")
        )
        found = rows.select("one.*").where("id is not null").distinct().localCheckpoint()
        if not found.isEmpty():
            return found
    lines = with_landed_ids(lake.read(f"bronze.{source.name}"), source, lookup_rows(source, lake.read))
    known = given.join(lines.select("_user").distinct(), F.col("given") == F.col("_user"), "left_semi")
    if lake.exists(FORGOTTEN):
        # Whoever was being forgotten when the command was broken off may be gone from here already.
        marks = lake.read(FORGOTTEN)
        known = known.union(given.join(marks, mark(F.col("salt"), F.col("given")) == F.col("mark"), "left_semi"))
    kinds = F.explode(F.array(F.lit("landed"), F.lit("person")))
    return known.distinct().select(kinds.alias("kind"), F.col("given").alias("id")).localCheckpoint()


def _remember(lake: Lake, source: SourceSettings, person: DataFrame) -> None:
    """Write down marks of the person before anything goes, so that nothing comes back between."""
    salt = secrets.token_hex(16)
    if lake.exists(FORGOTTEN):
        first = lake.read(FORGOTTEN).select("salt").first()
        salt = first.salt if first else salt
    ids = _landed_ids(person).union(_rows_of(lake, source, person))
    salted = ids.join(lake.spark.createDataFrame([(salt,)], "salt string"), how="cross")
    now = datetime.now(UTC)
    marks = salted.select("salt", mark(F.col("salt"), F.col("_id")).alias("mark")).withColumns(
        {"forgotten_at": F.lit(now), "source": F.lit(source.name)}
    )
    lake.append(FORGOTTEN, conform(marks, load_contract(FORGOTTEN)), f"forget {now.isoformat()}")


def _rows_of(lake: Lake, source: SourceSettings, person: DataFrame) -> DataFrame:
    """``_id`` of the rows of personal lookups that are about the person."""
    found = lake.spark.createDataFrame([], "_id string")
    for name, lookup in source.lookups.items():
        of_lookup = source.of_lookup(name)
        if lookup.personal and lake.exists(f"bronze.{of_lookup.name}"):
            rows = with_landed_ids(lake.read(f"bronze.{of_lookup.name}"), of_lookup, {})
            rows = rows.join(F.broadcast(_landed_ids(person)), F.col("_id") == F.col("_user"), "left_semi")
            found = found.union(rows.select(key_of_row(name, {one: column(one) for one in lookup.key})))
    return found.distinct()


def _landed_ids(person: DataFrame) -> DataFrame:
    """``_id`` of all that a line may name the person by, as `with_landed_ids` gives it."""
    id_ = F.when(F.col("kind") == "account", of_account("id")).otherwise(F.col("id"))
    return person.where("kind in ('landed', 'account')").select(id_.alias("_id"))


def _from_bronze(lake: Lake, source: SourceSettings, person: DataFrame, say: Callable[[str], None]) -> dict[str, int]:
    """Remove the person's lines, unreadable ones that hold something of the person, and what quarantine has of them."""
    table = f"bronze.{source.name}"
    bronze = lake.read(table)
    own = own_columns(bronze.columns)
    bronze = with_landed_ids(bronze.withColumn("_row", row_id(own)), source, lookup_rows(source, lake.read))
    named = F.col("_id").isin(F.col("_user"), F.col("_account"))
    lines = bronze.join(F.broadcast(_landed_ids(person)), named, "left_semi")
    rows = lines.select("_row", "_source_file")
    personal = [column(name) for name in source.personal if name in own]
    if personal and UNREADABLE_LINE in own:
        texts = lines.select(F.explode(F.array(*personal)).alias("_text")).where(F.length("_text") >= _TELLING)
        holds = F.contains(F.col(UNREADABLE_LINE), F.col("_text"))
        broken = bronze.join(F.broadcast(texts.distinct()), holds, "left_semi")
        rows = rows.unionByName(broken.select("_row", "_source_file"))
    rows = rows.distinct().localCheckpoint()
    landing = [row[0] for row in rows.select("_source_file").distinct().orderBy("_source_file").collect()]
    ids = rows.select("_row").distinct()
    removed = {table: lake.delete(table, ids, row_id(own, "t") == F.col("f._row"))}
    if lake.exists("silver.quarantine"):
        removed["silver.quarantine"] = lake.delete(
            "silver.quarantine", ids, "substring_index(t.row_id, '#', 1) = f._row"
        )
    if landing:
        say(f"landing files that still hold the person: {_some(landing)}")
    return removed


def _search(lake: Lake, sources: Sequence[SourceSettings], person: DataFrame) -> None:
    """Look for the person's ids in every text of every table; for short ones where a text is about a person."""
    ids = person.select("id").distinct()
    sources_of = {f"bronze.{source.name}": source for source in sources}
    left = []
    for table in lake.tables(with_private=True):
        rows = lake.read(table)
        texts = [name for name, kind in rows.dtypes if kind == "string"]
        if table in sources_of:
            source = sources_of[table]
            rows = with_landed_ids(rows, source, lookup_rows(source, lake.read))
            of_people = ["_user", "_account", *[name for name in source.personal if name in texts]]
        elif table.startswith("bronze."):
            of_people = []
        else:
            columns = load_contract(table).columns
            of_people = [name for name in texts if {"user", "pii"} & set(columns[name].tags)]
        if _hold(rows, sorted({*texts, *of_people}), of_people, ids):
            left.append(table)
    if left:
        raise DataError(f"something of the person is left in {_some(left)}: run the same command again")


def _hold(rows: DataFrame, columns: Collection[str], of_people: Collection[str], ids: DataFrame) -> bool:
    """Whether any of the columns holds an id; a short one counts only in those that are ``of_people``."""
    if not columns:
        return False
    texts = [F.struct(column(name).alias("id"), F.lit(name in of_people).alias("of_people")) for name in columns]
    counting = rows.select(F.inline(F.array(*texts))).where(F.col("of_people") | (F.length("id") >= _UNMISTAKABLE))
    return not counting.join(F.broadcast(ids), "id", "left_semi").isEmpty()


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
