import hashlib
import hmac
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.identities import identities, keyed_hash, with_user_ids
from sparkrec.config.privacy_key import VARIABLE, privacy_key
from sparkrec.config.settings import PrivacySettings
from sparkrec.errors import ConfigurationError

KEY = b"0123456789abcdef"


@pytest.fixture
def events(spark: SparkSession) -> DataFrame:
    """Three visitors of one account, one of two accounts, one of none, and one whom nobody knows."""
    rows = [
        ("uk:1", "a"), ("uk:1", None), ("de:1", "a"), ("jp:7", "a"),
        ("uk:2", "b"), ("uk:2", "c"), ("uk:2", "c"),
        ("uk:3", None), (None, "a"), ("uk:4", "e"), ("uk:4", "d"),
    ]  # fmt: skip
    return spark.createDataFrame(rows, "user_id string, account_id string")


def test_all_ids_of_an_account_are_one_person(events: DataFrame) -> None:
    found = {row.landed_user_id: row.user_id for row in identities(events, None).collect()}

    assert found == {
        "uk:1": "account a",
        "de:1": "account a",
        "jp:7": "account a",
        "uk:2": "account c",
        "uk:3": "uk:3",
        "uk:4": "account d",
    }


def test_a_keyed_hash_is_hmac_sha_256(spark: SparkSession) -> None:
    texts = spark.createDataFrame([("uk:1",), ("ä",), (None,)], "text string")

    hashed = [row[0] for row in texts.select(keyed_hash(KEY)(F.col("text"))).collect()]

    expected = [hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest() for text in ("uk:1", "ä")]
    assert hashed == [*expected, None]


def test_the_key_stands_in_no_plan(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    spark.createDataFrame([("uk:1",)], "text string").select(keyed_hash(KEY)(F.col("text"))).explain("extended")

    plan = capsys.readouterr().out
    assert "digests" in plan
    assert KEY.decode() not in plan


def test_events_get_the_id_of_their_person_and_one_without_a_user_stays_so(events: DataFrame) -> None:
    known = identities(events, keyed_hash(KEY))

    found = with_user_ids(events, known)

    assert found.columns == ["user_id", "account_id"]
    assert found.count() == events.count()
    assert found.where("user_id is null").count() == 1
    assert {len(row.user_id) for row in found.where("user_id is not null").collect()} == {64}
    assert found.select("user_id").distinct().count() == 5


def test_the_key_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.write_bytes(KEY + b"\n")
    monkeypatch.setenv(VARIABLE, "another key of the environment")

    assert privacy_key(PrivacySettings(key_file=str(file))) == KEY
    assert privacy_key(PrivacySettings()) == b"another key of the environment"


@pytest.mark.parametrize(("key", "told"), [(None, f"set {VARIABLE}"), ("short", "fewer than 16")])
def test_a_missing_or_short_key_is_told_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, key: str | None, told: str
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if key:
        monkeypatch.setenv(VARIABLE, key)

    with pytest.raises(ConfigurationError, match=told) as error:
        privacy_key(PrivacySettings(pseudonymise=True))

    assert not key or key not in str(error.value)


def test_a_key_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"privacy\.key_file: .*/none cannot be read: FileNotFoundError"):
        privacy_key(PrivacySettings(key_file=str(tmp_path / "none")))
