"""Secrets in what people get to see."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from sparkrec import masking
from sparkrec.config import Settings, load_settings, shipped_root
from sparkrec.errors import DataError
from sparkrec.masking import HIDDEN, NAMES, USERINFO, is_secret, mask, masked
from sparkrec.steps import run
from sparkrec.steps.runner import settings_digest
from sparkrec.unexpected import headline, write_traceback

SECRETS = (
    "spark.hadoop.fs.s3a.secret.key spark.hadoop.fs.s3a.access.key spark.hadoop.fs.s3a.session.token "
    "spark.hadoop.fs.s3a.encryption.key spark.hadoop.fs.azure.account.key.shop.dfs.core.windows.net "
    "spark.hadoop.fs.azure.sas.box.shop.blob.core.windows.net spark.hadoop.fs.azure.account.oauth2.client.secret "
    "spark.ssl.keyPassword spark.ssl.trustStorePassword spark.authenticate.secret AWS_SECRET_ACCESS_KEY "
    "AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN AZURE_STORAGE_KEY MLFLOW_TRACKING_PASSWORD SPARKREC_PRIVACY_KEY apiKey "
    "api-key private_key DB_PWD passwd passphrase Authorization X-Amz-Signature AIRFLOW__CORE__FERNET_KEY"
).split()
OTHERS = (
    "primary_key key keep keys sort_key keyword encoder.max_tokens tokenizer max_tokens privacy.key_file PWD OLDPWD "
    "SPARKREC_PRIVACY_KEY_FILE spark.io.encryption.keySizeBits spark.hadoop.fs.s3a.aws.credentials.provider "
    "spark.hadoop.hadoop.security.credential.provider.path AWS_WEB_IDENTITY_TOKEN_FILE spark.redaction.regex "
    "spark.sql.extensions user_id session_id spark.hadoop.fs.s3a.endpoint author passenger"
).split()
STORE = {
    "spark.hadoop.fs.s3a.secret.key": "wJalrXUtn/FEMI+K7",
    "spark.hadoop.fs.s3a.endpoint": "https://shop:pass.of@store@127.0.0.1:9000",
    "spark.sql.shuffle.partitions": "3",
}


def settings(lake: Path | str = "lake", **conf: str) -> Settings:
    return load_settings("test", "online_retail", str(lake), overrides=[f"spark.conf={json.dumps(STORE | conf)}"])


@pytest.mark.parametrize("name", SECRETS)
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize("name", OTHERS)
def test_names_of_what_is_no_secret(name: str) -> None:
    assert not is_secret(name)


def test_java_reads_the_patterns_alike(spark: SparkSession) -> None:
    pattern = spark._jvm.java.util.regex.Pattern  # type: ignore[union-attr]
    names, userinfo = pattern.compile(NAMES), pattern.compile(USERINFO)
    for name in (*SECRETS, *OTHERS):
        assert names.matcher(name).find() == bool(re.search(NAMES, name)), name
    assert userinfo.matcher("at s3a://key:word@box/a").replaceAll("") == "at s3a://box/a"
    set_to = spark.sparkContext.getConf().get
    assert (set_to("spark.redaction.regex"), set_to("spark.redaction.string.regex")) == (
        f"{NAMES}|{USERINFO}",
        USERINFO,
    )


def test_what_java_prints_holds_none(spark: SparkSession) -> None:
    lines = (shipped_root() / "conf" / "log4j2.properties").read_text(encoding="utf-8")
    classes = spark._jvm  # type: ignore[union-attr]
    read = classes.java.util.Properties()
    read.load(classes.java.io.StringReader(lines))
    log4j = classes.org.apache.logging.log4j
    pattern = read.getProperty("appender.console.layout.pattern")
    layout = log4j.core.layout.PatternLayout.newBuilder().withPattern(pattern).build()

    def shown(text: str) -> str:
        message = log4j.message.SimpleMessage(text)
        event = log4j.core.impl.Log4jLogEvent.newBuilder().setLoggerName("a.Store").setMessage(message).build()
        return str(layout.toSerializable(event))

    told = "403 of s3a://key:word@box/a, fs.s3a.secret.key=abc, primary_key=id, hdfs://names:8020/a@b"
    assert shown(told).endswith(
        f"Store: 403 of s3a://{HIDDEN}@box/a, fs.s3a.secret.key={HIDDEN}, primary_key=id, hdfs://names:8020/a@b\n"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("put s3a://AKIA:s/cr:t@box/a failed", f"put s3a://{HIDDEN}@box/a failed"),
        ("postgresql://u:p@h@db/x?sslmode=on", f"postgresql://{HIDDEN}@db/x?sslmode=on"),
        ("abfss://box@shop.dfs.core.windows.net/a", "abfss://box@shop.dfs.core.windows.net/a"),
        ("hdfs://names:8020/a@b", "hdfs://names:8020/a@b"),
        ("fs.s3a.secret.key=abc, retry=3", f"fs.s3a.secret.key={HIDDEN}, retry=3"),
        ('{"password": "abc", "primary_key": "id"}', f'{{"password": "{HIDDEN}", "primary_key": "id"}}'),
        ("https://b.net/c?sv=1&X-Amz-Signature=abc&p=2", f"https://b.net/c?sv=1&X-Amz-Signature={HIDDEN}&p=2"),
        ("Authorization: Bearer abcdefgh.ijk", f"Authorization: Bearer {HIDDEN}"),
        # Prose.
        ("SPARKREC_PRIVACY_KEY: the key has fewer", "SPARKREC_PRIVACY_KEY: the key has fewer"),
        ("unexpected token: from", "unexpected token: from"),
        ("basic products", "basic products"),
        ("the bearer of it", "the bearer of it"),
    ],
)
def test_what_looks_like_a_secret_is_masked_in_a_text(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_the_value_of_a_secret_is_masked_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_known", set())
    monkeypatch.setenv("SHOP_API_KEY", "value of the environment")
    monkeypatch.setenv("SHOP_DATABASE", "mysql://me:word-of-the-uri@db")
    monkeypatch.setenv("SHORT_TOKEN", "of")
    told = "store said wJalrXUtn/FEMI+K7 (wJalrXUtn%2FFEMI%2BK7); value of the environment; word-of-the-uri"
    assert mask(told) == f"store said wJalrXUtn/FEMI+K7 (wJalrXUtn%2FFEMI%2BK7); {HIDDEN}; {HIDDEN}"

    settings()

    assert mask(told) == f"store said {HIDDEN} ({HIDDEN}); {HIDDEN}; {HIDDEN}"
    assert mask("pass.of@store") == HIDDEN


def test_settings_are_shown_without_secrets_and_are_the_same_run_with_others() -> None:
    shown: dict[str, Any] = masked(settings().model_dump(mode="json"))

    conf = shown["spark"]["conf"]
    assert {name: conf[name] for name in STORE} == {
        "spark.hadoop.fs.s3a.secret.key": HIDDEN,
        "spark.hadoop.fs.s3a.endpoint": f"https://{HIDDEN}@127.0.0.1:9000",
        "spark.sql.shuffle.partitions": "3",
    }
    # All else is as it was.
    assert shown["source"] == settings().model_dump(mode="json")["source"]
    assert shown["encoder"]["max_tokens"] == 64
    assert yaml.safe_load(yaml.safe_dump(shown)) == shown
    assert settings_digest(settings()) == settings_digest(settings(**{"spark.hadoop.fs.s3a.secret.key": "rotated"}))
    assert settings_digest(settings()) != settings_digest(settings(**{"spark.sql.shuffle.partitions": "4"}))


def test_a_run_prints_its_settings_without_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(settings: Settings, name: str) -> None:
        raise DataError(f"no session with {settings.spark.conf}")

    monkeypatch.setattr(run, "_session", broken)
    lines: list[str] = []

    with pytest.raises(DataError) as error:
        run.run_jobs(settings(tmp_path), "ingest", [], lines.append)

    told = "\n".join([*lines, str(error.value)])
    assert told.count(f"spark.hadoop.fs.s3a.secret.key: '{HIDDEN}'") == 1
    assert "spark.sql.shuffle.partitions: '3'" in told
    assert not [value for value in ("wJalrXUtn", "pass.of", "shop:") if value in told]


def test_errors_and_the_files_that_they_leave_hold_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    settings()
    secret = STORE["spark.hadoop.fs.s3a.secret.key"]
    assert str(DataError(f"403 for {secret}")) == f"403 for {HIDDEN}"
    error = RuntimeError(f"403 for {secret}")
    error.add_note(f"asked with {secret}")

    assert headline(error) == f"sparkrec failed: RuntimeError: 403 for {HIDDEN}"
    written = Path(write_traceback(error)).read_text()
    assert f"403 for {HIDDEN}" in written
    assert f"asked with {HIDDEN}" in written
    assert secret not in written
