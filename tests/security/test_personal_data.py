"""What is personal stays where it belongs, and goes when it must: the pipeline on a log with planted canaries."""

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml
from pyarrow import parquet as pq
from pyspark.sql import SparkSession

from sparkrec.config import Settings, load_settings, shipped_root
from sparkrec.config.privacy_key import VARIABLE
from sparkrec.contracts import load_contract
from sparkrec.errors import DataError
from sparkrec.graph import JOBS, in_order
from sparkrec.lake import Lake
from sparkrec.layout import table_names, table_path
from sparkrec.snapshot import snapshot
from sparkrec.steps.forget import forget
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

KEY = "canary-key-of-the-tests"
STORE_KEY = "canary-key-of-the-store"
# What a line can hold of a person, each where it may stand.
CANARIES = {
    "user id": "canary-visitor",
    "another site's user id": "other-visitor",
    "account": "canary-account",
    "name": "Nora Canary",
    "e-mail": "nora@canary.example",
    "phone": "+44 7700 900123",
    "name in a search": "noracanary red",
    "name in a review": "I am Nora Reviewcanary",
    "agent": "Canarybrowser/1.0",
    "address in a lookup": "1 Canary Lane",
    "an unknown column": "canary-membership",
    "a nested value": "canary-contact",
    "an unreadable line": "canary-broken",
}
# What people typed is what tables of texts are for; these say so by `person`.
TYPED = {CANARIES["name in a search"], CANARIES["name in a review"]}
FIRST, SECOND = "de:canary-visitor", "canary-account-two"
SMALL = (
    "two_tower.epochs=1",
    "two_tower.batch_size=64",
    "baselines.als_iterations=2",
    "split.holdout_days=2",
    "training.ranks=1",
    "training.launcher=local",
    "ranker.windows=1",
    "ranker.trees=5",
    "tracking.enabled=true",
)


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


@dataclass
class Shop:
    """A lake, its landing folder, and the logs and temporary files of all that was run on it.

    Attributes:
        folder: Where all of it lies.
        commands: Command lines of the processes that ran.
        environments: Variables of those that the command started.
    """

    folder: Path
    commands: set[str] = field(default_factory=set)
    environments: set[str] = field(default_factory=set)

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    def settings(self) -> Settings:
        return load_settings("test", str(self.folder / "shop.yaml"), str(self.lake))

    def sparkrec(self, command: str, *further: str) -> tuple[int, str]:
        """Run a command as people do, with Spark's event log on, as clusters have it; its exit status and output."""
        for name in ("logs", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        given = ["--env", "test", "--source", str(self.folder / "shop.yaml"), "--lake", str(self.lake)]
        given += ["--project", str(self.folder / "project"), *[f"--set={one}" for one in SMALL]]
        process = subprocess.Popen(
            [sys.executable, "-c", "from sparkrec.cli import main; main()", command, *given, *further],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=os.environ | {VARIABLE: KEY, "TMPDIR": str(self.folder / "tmp")},
        )
        ended = threading.Event()
        watch = threading.Thread(target=self._watch, args=(process.pid, ended))
        watch.start()
        output, _ = process.communicate()
        ended.set()
        watch.join()
        number = len(list(self.folder.glob("output-*")))
        (self.folder / f"output-{number}.txt").write_text(output, encoding="utf-8")
        return process.returncode, output

    def _watch(self, pid: int, ended: threading.Event) -> None:
        """Note the command lines of a process and all that it starts."""
        while not ended.wait(0.3):
            try:
                one = psutil.Process(pid)
                self.commands.add(" ".join(one.cmdline()))
                for child in one.children(recursive=True):
                    self.commands.add(" ".join(child.cmdline()))
                    self.environments.add(str(child.environ()))
            except psutil.Error:
                continue

    def files_with(self, *texts: str, beside: tuple[str, ...] = ()) -> dict[str, set[str]]:
        """Texts found in each file below the folder, those in ``beside`` left out; of tables in any version."""
        found: dict[str, set[str]] = {}
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            if not path.is_file() or name.startswith(beside):
                continue
            content = "\n".join(unpacked(path.name, path.read_bytes()))
            held = {text for text in texts if text in name or text in content}
            if held:
                found[name] = held
        return found


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
    """Lines of one person in every way that a line can be about one: kept, doubled, refused, unreadable."""
    person = {
        "site_user": CANARIES["user id"],
        "account": CANARIES["account"],
        "name": CANARIES["name"],
        "email": CANARIES["e-mail"],
        "phone": CANARIES["phone"],
        "user_agent": CANARIES["agent"],
        "membership": CANARIES["an unknown column"],
        "delivery": {"to": {"contact": CANARIES["a nested value"]}},
    }
    search = {"type": "search", "item": None, "query": CANARIES["name in a search"]}
    review = {"type": "review", "rating": 4, "review": CANARIES["name in a review"]}
    lines = [line(1000 + number, **person) for number in range(24)]
    lines += [line(1100 + number, **person, site="de") for number in range(3)]
    lines += [line(1200, **(person | {"price": -1})), line(1201, **(person | {"type": "teleport"}))]
    lines += [line(1202, **person, **(search | {"ts": "no time"})), line(1203, **person, **(review | {"rating": 9}))]
    lines += [line(1300, **(person | {"name": f"{CANARIES['an unreadable line']} {CANARIES['name']}"}))[:-12]]
    lines += [line(1301, **person, **search), line(1302, **person, **review), line(1302, **person, **review)]
    # Seen under this account only here, so that the account is what joins them.
    joined = {"site_user": CANARIES["another site's user id"], "account": CANARIES["account"]}
    return [*lines, line(1400, **joined, site="jp")]


def second_lines() -> list[str]:
    person = {"site_user": "canary-visitor-two", "account": SECOND, "name": "Ned Canary"}
    return [line(1500 + number, **person) for number in range(5)]


def land(shop: Shop, name: str, *lines: str) -> None:
    (shop.folder / "landing" / name).write_bytes(gzip.compress("\n".join(lines).encode()))


def write_source(folder: Path) -> None:
    source = yaml.safe_load((shipped_root() / "conf" / "sources" / "events.yaml").read_text(encoding="utf-8"))
    customers = {"landing": str(folder / "customers.csv"), "key": ["site", "site_user"], "personal": True}
    source |= {
        "name": "shop",
        "landing": str(folder / "landing"),
        "lookups": {"customers": customers},
        "users": {"town": "customers.town"},
    }
    (folder / "shop.yaml").write_text(yaml.safe_dump(source), encoding="utf-8")
    conf = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": str(folder / "logs")}
    conf |= {"spark.eventLog.compress": "false", "spark.hadoop.fs.s3a.secret.key": STORE_KEY}
    (folder / "project" / "conf" / "env").mkdir(parents=True)
    (folder / "project" / "conf" / "env" / "test.yaml").write_text(yaml.safe_dump({"spark": {"conf": conf}}))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop after a whole run."""
    shop = Shop(tmp_path_factory.mktemp("personal"))
    (shop.folder / "landing").mkdir()
    write_source(shop.folder)
    others = "".join(f"uk,visitor-{number},{number} High Street,Ulm\n" for number in range(9))
    of_person = f"uk,{CANARIES['user id']},{CANARIES['address in a lookup']},Bonn\n"
    (shop.folder / "customers.csv").write_text(f"site,site_user,street,town\n{others}{of_person}")
    searches = [line(500 + number, type="search", item=None, query="red thing") for number in range(9)]
    land(shop, "a.json.gz", *(line(number) for number in range(150)), *searches, *canary_lines(), *second_lines())
    code, told = shop.sparkrec("run")
    assert code == 0, told[-4000:]
    return shop


def persons_of(shop: Shop) -> set[str]:
    """The ids that the tables have of the two people."""
    identities = pq.read_table(shop.lake / "private" / "identities").to_pylist()
    return {row["user_id"] for row in identities if "canary" in row["landed_user_id"]}


def test_nothing_personal_leaves_bronze_and_the_key_is_nowhere(shop: Shop) -> None:
    held = shop.files_with(*CANARIES.values(), KEY, STORE_KEY)
    where_they_belong = ("landing", "customers.csv", "lake/bronze", "lake/private", "project")
    assert {text for name, texts in held.items() if name.startswith("lake/bronze") for text in texts} == {
        *CANARIES.values()
    }
    elsewhere = {name: texts for name, texts in held.items() if not name.startswith(where_they_belong)}
    assert {text for texts in elsewhere.values() for text in texts} <= TYPED, elsewhere
    assert all(name.startswith(("lake/silver", "lake/features")) for name in elsewhere), elsewhere
    processes = shop.commands | shop.environments
    assert not [told for told in processes if any(text in told for text in (*CANARIES.values(), KEY, STORE_KEY))]
    assert any("SparkSubmit" in command for command in shop.commands)


def test_what_tables_hold_of_people_is_what_their_contracts_say(shop: Shop) -> None:
    wanted, found = {*persons_of(shop), *CANARIES.values()}, set()
    for name in table_names(str(shop.lake)):
        contract = load_contract(name)
        rows = snapshot(table_path(str(shop.lake), name)).read()
        for column in rows.column_names:
            content = json.dumps(rows[column].to_pylist(), default=str, ensure_ascii=False)
            if any(text in content for text in wanted):
                found.add(f"{name}.{column}")
                # In a landed line any column may be about its person.
                assert contract.open or column in contract.of_person(), f"{name}.{column}"
    assert {"silver.interactions.user_id", "features.vocabulary.value", "gold.recommendations.user_id"} <= found
    assert {"silver.searches.query", "features.query_text.normalised_query", "silver.reviews.text"} <= found


def test_one_whom_nobody_knows_changes_nothing_and_is_not_named(shop: Shop, spark: SparkSession) -> None:
    with pytest.raises(DataError, match=r"knows no user or account of line 2 of users\.txt: nothing was changed$"):
        forget(shop.settings(), spark, {"line 1 of users.txt": FIRST, "line 2 of users.txt": "uk:nobody"})
    assert sorted(path.name for path in (shop.lake / "private").iterdir()) == ["identities"]


# What fails, and for which of the tables that are at work at once; each attempt goes on from what the one before left.
FAILURES = [
    ("append", {"private.forgotten"}),
    ("append", {"private.forgotten_batches"}),
    # They tell of the person by a line's hash and by a number.
    ("delete", {"silver.quarantine", "features.retrieval_samples"}),
    ("delete", {"features.query_text"}),
    ("update", {"features.vocabulary"}),
    ("delete", {"bronze.shop"}),
    ("delete", {"bronze.shop__customers"}),
    ("delete", {"private.identities"}),
    ("purge", {"silver.interactions"}),
    ("purge", {"private.identities"}),
]


class Killed(Exception):
    """The command ends here."""


def test_a_forgetting_that_is_broken_off_anywhere_is_finished_by_the_next(
    shop: Shop, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = Shop(tmp_path)
    for name in ("lake", "landing"):
        shutil.copytree(shop.folder / name, tmp_path / name)
    shutil.copy(shop.folder / "customers.csv", tmp_path)
    write_source(tmp_path)
    persons, users = persons_of(shop), {"the first": FIRST, "the second": SECOND}
    for operation, tables in FAILURES:
        with monkeypatch.context() as patch:
            real = getattr(Lake, operation)

            def broken_off(lake: Lake, name: str, *given: Any, real: Any = real, tables: set[str] = tables) -> Any:
                if name in tables:
                    raise Killed
                return real(lake, name, *given)

            patch.setattr(Lake, operation, broken_off)
            with pytest.raises(Killed):
                forget(killed.settings(), spark, users)

    done = forget(killed.settings(), spark, users)

    assert [Path(file).name for file in done.landing] == ["customers.csv", "a.json.gz"]
    assert killed.files_with(*CANARIES.values(), *persons, beside=("landing", "customers.csv", "project")) == {}


def test_the_forgotten_are_nowhere_and_do_not_come_back(
    shop: Shop, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    persons = persons_of(shop)
    tables = {name.split("/")[2] for name in shop.files_with(*persons) if name.startswith("lake")}
    assert {"interactions", "searches", "user_profiles", "positives", "vocabulary", "identities"} <= tables
    assert "recommendations" in tables
    (shop.folder / "landing-users.txt").write_text(f"{FIRST}\n\n{SECOND}\n", encoding="utf-8")

    code, told = shop.sparkrec("forget", "--users-file", str(shop.folder / "landing-users.txt"))

    assert code == 3, told[-4000:]
    assert "bronze.shop: 41 rows removed" in told
    named = shop.lake / "private" / "landing_files.txt"
    assert named.read_text(encoding="utf-8").splitlines() == [
        str(shop.folder / "customers.csv"),
        str(shop.folder / "landing" / "a.json.gz"),
    ]
    assert told.splitlines()[-1].startswith("error: 2 landing files still hold people who were forgotten")
    assert str(named) in told.splitlines()[-1]
    gone = (*CANARIES.values(), *persons)
    # Neither does the command's own output name them, nor its event log, nor any command line.
    assert shop.files_with(*gone, beside=("landing", "customers.csv", "project")) == {}
    assert not [command for command in shop.commands if any(text in command for text in gone)]
    assert not [name for name in ("shards", "models", "report/index.html") if (shop.lake / name).exists()]
    assert (shop.lake / "mlflow.db").exists()

    # Whose line an unreadable one is cannot be seen, so none is delivered again here.
    again = [text for text in canary_lines() if text.endswith("}")]
    land(shop, "b.json.gz", *again, line(2000))
    (shop.folder / "landing" / "a.json.gz").unlink()
    (shop.folder / "customers.csv").write_text("site,site_user,street,town\nuk,visitor-1,1 High Street,Ulm\n")
    monkeypatch.setenv(VARIABLE, KEY)
    jobs = [job for job in in_order(JOBS) if job.name in ("ingest", "clean")]
    Runner.start(shop.settings(), spark, lambda line: None).run(jobs)
    assert shop.files_with(*gone, beside=("landing",)) == {}
    assert any(name.startswith("lake/silver/interactions") for name in shop.files_with("e2000"))
    # Nothing of the person is left to remove, and no file that is known to hold the person lies there any more.
    done = forget(shop.settings(), spark, {"the person": FIRST})
    assert (done.removed, done.landing, named.exists()) == ({}, (), False)
