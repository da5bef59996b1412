"""What is personal stays where it belongs, and goes when it must: the pipeline on a log with planted canaries."""

import gzip
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet as pq
from pyspark.sql import SparkSession

from sparkrec.config import load_settings
from sparkrec.config.privacy_key import VARIABLE
from sparkrec.errors import DataError
from sparkrec.graph import JOBS as PIPELINE
from sparkrec.graph import in_order
from sparkrec.steps.forget import forget
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

KEY = "canary-key-of-the-tests"
STORE_KEY = "canary-key-of-the-store"
CANARIES = ("Nora Canary", "nora@canary.example", "+44 7700 900123", "canary-visitor", "canary-account")
JOBS = tuple(job.name for job in in_order(PIPELINE))
# Each in one process with Spark's event log on, as people on a cluster have it.
RUN = """
import contextlib, json, os, psutil, sys
from sparkrec.config import load_settings
from sparkrec.graph import JOBS, in_order
from sparkrec.lake import spark_session
from sparkrec.steps.forget import forget
from sparkrec.steps.runner import Runner

command, lake, landing, logs = sys.argv[1:5]
events = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": logs, "spark.eventLog.compress": "false"}
events["spark.hadoop.fs.s3a.secret.key"] = os.environ["STORE_KEY"]
small = ["two_tower.epochs=1", "two_tower.batch_size=64", "baselines.als_iterations=2", "split.holdout_days=2"]
small += ["training.ranks=1", "training.launcher=local", "ranker.windows=1", "ranker.trees=5"]
overrides = [f"source.landing={landing}", f"spark.conf={json.dumps(events)}", *small]
settings = load_settings("test", "events", lake, overrides=overrides)
spark = spark_session(settings.spark, "privacy")
runner = Runner.start(settings, spark, print)
if command == "forget":
    print(forget(settings, spark, sys.argv[5], print))
runner.run([job for job in in_order(JOBS) if job.name in sys.argv[6:]])
for child in psutil.Process().children(recursive=True):
    with contextlib.suppress(psutil.Error):
        # Executors of one machine read their store with the variables of this process.
        print(child.cmdline(), {**child.environ(), "STORE_KEY": None})
spark.stop()
"""


@dataclass(frozen=True)
class Shop:
    """A lake, its landing folder and the logs of all that was run on it."""

    folder: Path

    def run(self, command: str, user: str, *jobs: str) -> str:
        for name in ("logs", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        arguments = [command, *(str(self.folder / name) for name in ("lake", "landing", "logs")), user, *jobs]
        done = subprocess.run(
            [sys.executable, "-c", RUN, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=os.environ | {VARIABLE: KEY, "STORE_KEY": STORE_KEY, "TMPDIR": str(self.folder / "tmp")},
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        output = self.folder / "logs" / f"output-{len(list((self.folder / 'logs').iterdir()))}.txt"
        output.write_text(done.stdout + done.stderr, encoding="utf-8")
        return done.stdout

    def files_with(self, *texts: str, beside: tuple[str, ...] = ()) -> dict[str, set[str]]:
        """Texts found in each file below the folder, those in ``beside`` left out; of tables in any version."""
        found: dict[str, set[str]] = {}
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            if not path.is_file() or name.startswith(beside):
                continue
            content = "\n".join(unpacked(path.name, path.read_bytes()))
            held = {text for text in texts if text in content}
            if held:
                found[name] = held
        return found


def unpacked(name: str, content: bytes) -> Iterator[str]:
    """What a file holds, as texts: itself, and the rows, arrays and files that are packed in it."""
    yield content.decode("utf-8", "replace")
    if name.endswith(".parquet"):
        yield json.dumps(pq.ParquetFile(io.BytesIO(content)).read().to_pylist(), default=str, ensure_ascii=False)
    elif name.endswith(".npy"):
        yield str(np.load(io.BytesIO(content), allow_pickle=False).tolist())
    elif name.endswith(".gz"):
        yield gzip.decompress(content).decode("utf-8", "replace")
    elif zipfile.is_zipfile(io.BytesIO(content)):
        # Models: .npz and .keras.
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for member in packed.namelist():
                yield from unpacked(member, packed.read(member))


def line(number: int, **changes: Any) -> str:
    own = {
        "event_id": f"e{number}",
        "site": "uk",
        "site_user": f"visitor-{number % 9}",
        "name": f"Somebody {number % 9}",
        "type": "purchase",
        "ts": f"2026-01-{1 + number % 12:02}T{number % 24:02}:00:00+00:00",
        "item": f"i{number % 7}",
        "title": f"red thing {number % 7}",
        "price": 1.5,
    }
    return json.dumps({key: value for key, value in (own | changes).items() if value is not None})


def canary_lines() -> list[str]:
    name, mail, phone, visitor, account = CANARIES
    person = {"site_user": visitor, "account": account, "name": name, "email": mail, "phone": phone}
    lines = [line(1000 + number, **person) for number in range(24)]
    lines += [line(1100 + number, **person, site="de") for number in range(3)]
    lines += [line(1200, **(person | {"price": -1})), line(1201, **(person | {"type": "teleport"}))]
    lines += [line(1300, **person)[:-12], line(1301, **person, type="search", item=None, query="a cup")]
    # Seen under this account only here, so that the account is what joins them.
    return [*lines, line(1400, site="jp", site_user="other-visitor", account=account)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("privacy"))
    (shop.folder / "landing").mkdir()
    lines = [line(number) for number in range(150)] + canary_lines()
    (shop.folder / "landing" / "a.json.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    shop.run("run", "", *JOBS)
    return shop


def test_nothing_personal_leaves_bronze_and_the_key_is_nowhere(shop: Shop) -> None:
    where_they_belong = ("landing", "lake/bronze", "lake/private")
    held = shop.files_with(*CANARIES)
    assert {text for texts in held.values() for text in texts} == set(CANARIES)
    assert all(name.startswith(where_they_belong) for name in held), held
    # Nor that of a store: in no log, report, row, or command line and environment of a process.
    assert shop.files_with(KEY, STORE_KEY) == {}
    (output,) = (shop.folder / "logs").glob("output-*.txt")
    assert "org.apache.spark.deploy.SparkSubmit" in output.read_text()


def test_a_person_whom_nobody_knows_changes_nothing(shop: Shop, spark: SparkSession) -> None:
    settings = load_settings("test", "events", str(shop.folder / "lake"))
    with pytest.raises(DataError, match="knows no user or account of this id: nothing was changed"):
        forget(settings, spark, "uk:nobody", print)
    assert not (shop.folder / "lake" / "private" / "forgotten").exists()


def query_texts_with(shop: Shop, query: str) -> list[str]:
    """Files of features.query_text that hold the query."""
    return [name for name in shop.files_with(query) if name.startswith("lake/features/query_text")]


def test_a_forgotten_person_is_nowhere_and_does_not_come_back(
    shop: Shop, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = pq.read_table(shop.folder / "lake" / "private" / "identities").to_pylist()
    pseudonyms = {row["user_id"] for row in identities if "canary" in row["landed_user_id"]}
    (pseudonym,) = pseudonyms
    tables = {name.split("/")[2] for name in shop.files_with(pseudonym) if name.startswith("lake")}
    assert {"interactions", "searches", "user_profiles", "positives", "vocabulary", "identities"} <= tables
    assert "recommendations" in tables
    assert query_texts_with(shop, "a cup")
    assert (shop.folder / "lake" / "report" / "index.html").exists()

    told = shop.run("forget", "de:canary-visitor")

    assert "'bronze.events': 32" in told
    assert "a.json.gz" in told
    assert not query_texts_with(shop, "a cup")
    # The forget command's own words name nobody, and the old event log never did.
    assert shop.files_with(*CANARIES, pseudonym, "other-visitor", beside=("landing",)) == {}
    assert not [name for name in ("shards", "models", "report/index.html") if (shop.folder / "lake" / name).exists()]
    # As after a command that was broken off: what is gone already is no reason to stop.
    lake = str(shop.folder / "lake")
    assert forget(load_settings("test", "events", lake), spark, "de:canary-visitor", print) == {}

    # Whose line an unreadable one is cannot be seen, so none is delivered again here.
    again = [text for text in canary_lines() if text.endswith("}")]
    (shop.folder / "landing" / "b.json.gz").write_bytes(gzip.compress("\n".join([*again, line(2000)]).encode()))
    monkeypatch.setenv(VARIABLE, KEY)
    overrides = [f"source.landing={shop.folder / 'landing'}"]
    settings = load_settings("test", "events", str(shop.folder / "lake"), overrides=overrides)
    Runner.start(settings, spark, lambda line: None).run([job for job in in_order(PIPELINE) if job.name in JOBS[:3]])
    assert shop.files_with(*CANARIES, pseudonym, "other-visitor", beside=("landing",)) == {}
    assert any(name.startswith("lake/silver/interactions") for name in shop.files_with("e2000"))
