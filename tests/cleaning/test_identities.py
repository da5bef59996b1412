import hashlib
import hmac

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.identities import Pseudonyms, identities, relinked, with_user_ids
from sparkrec.cleaning.sessions import with_actor

KEY = b"0123456789abcdef"


@pytest.fixture
def events(spark: SparkSession) -> DataFrame:
    """Three visitors of one account, one of two accounts, one of none, and one whom nobody knows; by the minute."""
    rows = [
        ("uk:1", None), ("uk:1", "a"), ("de:1", "a"), ("jp:7", "a"),
        ("uk:2", "c"), ("uk:2", "b"), ("uk:2", "b"),
        ("uk:3", None), (None, "a"), ("uk:4", "e"), ("uk:4", "d"),
    ]  # fmt: skip
    numbered = [(*row, minute, minute) for minute, row in enumerate(rows)]
    return spark.createDataFrame(numbered, "landed_user_id string, account_id string, minute int, at int").selectExpr(
        "landed_user_id", "account_id", "minute", "timestamp_seconds(60 * at) event_time"
    )


def people(events: DataFrame, earlier: DataFrame | None = None, key: bytes | None = None) -> DataFrame:
    return identities(events, earlier, Pseudonyms(events.sparkSession, key).put)


def test_all_ids_of_an_account_are_one_person_and_the_first_account_stays(events: DataFrame) -> None:
    persons = {
        "uk:1": "account a",
        "de:1": "account a",
        "jp:7": "account a",
        "uk:2": "account c",
        "uk:3": "uk:3",
        "uk:4": "account e",
    }
    some, others = events.where("minute % 3 = 1"), events.where("minute % 3 != 1")
    for found in (people(events), people(others, people(some)), people(events, people(others))):
        assert {row.landed_user_id: row.user_id for row in found.collect()} == persons
        assert {row.landed_user_id for row in found.where("landed_user_id = visitor_id").collect()} == set(persons)


def test_whoever_gets_an_account_is_another_person_than_before(events: DataFrame) -> None:
    before = people(events.where("minute = 0 or minute > 6"))

    moved = relinked(people(events, before), before)

    assert [row.visitor_id for row in moved.collect()] == ["uk:1"]


@pytest.mark.parametrize("key", [KEY, b"k" * 64, b"longer than a block of SHA-256 " * 3])
def test_a_pseudonym_is_hmac_sha_256(spark: SparkSession, key: bytes) -> None:
    texts = spark.createDataFrame([("uk:1",), ("ä",), (None,)], "text string")

    hashed = Pseudonyms(spark, key).put(texts, hashed=F.col("text"))

    expected = [hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32] for text in ("uk:1", "ä")]
    assert hashed.columns == ["text", "hashed"]
    assert [row.hashed for row in hashed.collect()] == [*expected, None]


def test_the_key_stands_in_no_plan(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    texts = spark.createDataFrame([("uk:1",)], "text string")
    Pseudonyms(spark, KEY).put(texts, hashed=F.col("text")).explain("extended")

    plan = capsys.readouterr().out
    assert "sha2" in plan
    pads = [bytes(byte ^ pad for byte in KEY).decode() for pad in (0, 0x36, 0x5C)]
    assert not any(pad in plan or pad.encode().hex() in plan.lower() for pad in pads)


def test_events_get_the_id_of_their_person_and_one_without_a_visitor_stays_so(
    spark: SparkSession, events: DataFrame
) -> None:
    known = people(events, key=KEY)
    visits = Pseudonyms(spark, KEY).put(events.withColumn("event_id", F.lit("e")), visitor_id=F.col("landed_user_id"))

    found = with_user_ids(with_actor(visits.withColumn("user_id", F.lit("nobody"))), known)

    assert found.count() == events.count()
    assert found.where("user_id is null").count() == 1
    assert {len(row.user_id) for row in found.where("user_id is not null").collect()} == {32}
    assert found.select("user_id").distinct().count() == 5
