import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pyspark.sql import DataFrame, Row, SparkSession

from sparkrec.config import load_settings
from sparkrec.config.settings import InteractionsMapping, SourceSettings
from sparkrec.errors import DataError
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.landing.find import landing_files, short_names
from sparkrec.landing.probe import probe_files
from sparkrec.landing.read import Delivered, read_landing
from sparkrec.landing.restage import restage
from sparkrec.steps.runner import Runner

MAPPING = InteractionsMapping(user_id="user", item_id="item", event_time="at")
Land = Callable[..., DataFrame]


@pytest.fixture
def land(spark: SparkSession, tmp_path: Path) -> Land:
    """Writes files by name and reads them as a source's landing folder."""

    def landed(contents: dict[str, str | bytes | pa.Table], **settings: Any) -> DataFrame:
        for name, content in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pa.Table):
                pq.write_table(content, path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        source = SourceSettings(name="shop", landing=str(tmp_path), interactions=MAPPING, **settings)
        found = landing_files(source)
        probes = probe_files(spark, source, [file.uri for file in found])
        assert not [probe.trouble for probe in probes.values() if probe.trouble]
        odd = {uri: probe for uri, probe in probes.items() if probe.restaged}
        opened = restage(spark, source, odd, str(tmp_path / ".restaged"))
        delivered = [Delivered(file, probes[file.uri], "batch", opened.get(file.uri, file.uri)) for file in found]
        return read_landing(spark, source, delivered).drop("_batch_id")

    return landed


def rows(lines: DataFrame) -> list[tuple[Any, ...]]:
    """The rows, sorted as text."""
    return sorted((tuple(row) for row in lines.collect()), key=str)


def test_every_column_of_a_csv_lands_as_text_with_its_file(land: Land) -> None:
    lines = land({"a.csv": 'user,item,"Unit Price"\n007,"say ""hi"", you",1.50\n,, 2 \n'})

    assert lines.columns == ["user", "item", "Unit Price", "_corrupt_record", "_source_file"]
    assert {kind for _, kind in lines.dtypes} == {"string"}
    assert rows(lines) == [
        ("007", 'say "hi", you', "1.50", None, "a.csv"),
        (None, None, " 2 ", None, "a.csv"),
    ]


def test_a_file_of_an_installed_package_is_found_and_a_missing_package_is_named() -> None:
    source = SourceSettings(name="shop", landing="package:pyspark/version.py", interactions=MAPPING)

    assert [file.uri.rsplit("/", 2)[1:] for file in landing_files(source)] == [["pyspark", "version.py"]]
    missing = source.model_copy(update={"landing": "package:no_such_package/data/a.csv"})
    with pytest.raises(DataError, match=r"^source shop: the Python package no_such_package with data/a\.csv is"):
        landing_files(missing)


def test_a_line_with_too_few_or_too_many_columns_keeps_its_text(land: Land) -> None:
    lines = land({"a.csv": 'user,item,at\n1,2\n1,2,3,4\n1,"2,3",4\n'}).drop("_source_file")

    assert rows(lines) == [("1", "2", "3", "1,2,3,4"), ("1", "2", None, "1,2"), ("1", "2,3", "4", None)]


def test_compressed_files_and_other_separators_are_read(land: Land) -> None:
    lines = land(
        {"a.csv.gz": gzip.compress("user;item\nä;1\n".encode("latin-1")), "b.csv": "user;item\nb;2\n"},
        options={"sep": ";", "encoding": "iso-8859-1"},
    )

    assert rows(lines) == [("b", "2", None, "b.csv"), ("ä", "1", None, "a.csv.gz")]


def test_files_of_other_columns_are_read_each_by_its_own(land: Land) -> None:
    lines = land({"a.csv": "user,item,at\n1,2,3\n", "b.csv": "item,user,more\n2,1,4\n"})

    assert lines.columns == ["user", "item", "at", "_corrupt_record", "more", "_source_file"]
    assert rows(lines.drop("_source_file")) == [("1", "2", "3", None, None), ("1", "2", None, None, "4")]


def test_columns_without_a_name_or_with_the_same_one_are_told_apart(land: Land) -> None:
    lines = land({"a.csv": ",item,item\n0,a,b\n", "b.csv": ",item,item\n1,c,d\n"})

    assert lines.columns[:3] == ["_c0", "item1", "item2"]
    assert rows(lines) == [("0", "a", "b", None, "a.csv"), ("1", "c", "d", None, "b.csv")]


def test_files_may_have_any_name_and_those_of_one_name_are_told_apart(land: Land) -> None:
    lines = land({"a+b %20[1].csv": "user\n1\n", "2011/x.csv": "user\n2\n", "2012/x.csv": "user\n3\n"})

    folder = lines.where("user = 1").first()
    assert folder
    assert folder._source_file.endswith("/a+b %20[1].csv")
    assert rows(lines.where("user > 1")) == [("2", None, "2011/x.csv"), ("3", None, "2012/x.csv")]


def test_a_file_has_the_shortest_name_that_tells_it_apart() -> None:
    assert short_names(["/in/a.csv"]) == {"/in/a.csv": "a.csv"}
    assert short_names(["/in/1/a.csv", "/in/1/b.csv"]) == {"/in/1/a.csv": "a.csv", "/in/1/b.csv": "b.csv"}
    assert short_names(["s3://x/1/a", "s3://x/2/a"]) == {"s3://x/1/a": "1/a", "s3://x/2/a": "2/a"}


def test_json_lines_land_as_text_nested_values_as_json_and_broken_lines_whole(land: Land) -> None:
    lines = land(
        {
            "a.jsonl": '{"user": 1, "at": null, "price": 1.50, "tags": ["x", 2], "shop": {"id": 7}}\n{"user": \n',
            "b.jsonl": '{"item": "a", "user": true}\n',
        },
        format="jsonl",
    )

    found = {row._source_file + (row.user or ""): row for row in lines.collect()}
    assert found["a.jsonl1"].asDict() == {
        "_corrupt_record": None,
        "_source_file": "a.jsonl",
        "at": None,
        "item": None,
        "price": "1.5",
        "shop": '{"id":7}',
        "tags": '["x",2]',
        "user": "1",
    }
    assert found["a.jsonl"]._corrupt_record == '{"user": '
    assert (found["b.jsonltrue"].item, found["b.jsonltrue"].shop) == ("a", None)


def test_parquet_lands_as_text_with_the_columns_of_all_files(land: Land) -> None:
    first = pa.table(
        {
            "user": [1],
            "tags": [["x"]],
            "shop": [{"id": 7}],
            "map": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int8())),
        }
    )

    lines = land({"a.parquet": first, "b.parquet": pa.table({"user": [2], "new": [0.5]})}, format="parquet")

    expected = [
        Row(user="1", tags='["x"]', shop='{"id":7}', map='{"k":1}', new=None, _source_file="a.parquet"),
        Row(user="2", tags=None, shop=None, map=None, new="0.5", _source_file="b.parquet"),
    ]
    assert lines.select(*expected[0].asDict()).orderBy("user").collect() == expected


def test_parquet_of_types_that_exclude_each_other_is_read_each_by_its_own(land: Land) -> None:
    others = {"a.parquet": pa.table({"u": [1, 17850]}), "b.parquet": pa.table({"u": [17850.0, 1.5]})}
    further: dict[str, pa.Table] = {
        "c.parquet": pa.table({"u": pa.array([None, None], pa.null())}),
        "d.parquet": pa.table({"u": ["x", None]}),
    }

    found = land(others | further, format="parquet").select("u")

    assert sorted(str(row.u) for row in found.collect()) == ["1", "1.5", "17850", "17850", "None", "None", "None", "x"]


def test_a_file_without_one_readable_line_keeps_their_texts(land: Land) -> None:
    found = land({"a.jsonl": '{"user": \n\n{"it'}, format="jsonl")

    assert sorted(row._corrupt_record for row in found.collect()) == ['{"it', '{"user": ']


class Shop:
    """A shop's landing folder and the ingest job over it."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.folder = root / "landing"
        self.file = root / "shop.yaml"
        self.file.write_text(
            f"{{name: shop, landing: {self.folder}, interactions: {{user_id: user, item_id: item, event_time: at}}}}"
        )
        settings = load_settings("test", str(self.file), lake=str(root / "lake"))
        self.runner = Runner.start(settings, spark, lambda line: None)

    def put(self, name: str, content: str | bytes) -> None:
        """Land a file."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def ingest(self) -> list[tuple[Any, ...]]:
        """Run the job; gives what bronze holds then."""
        self.runner.run([job for job in JOBS if job.name == "ingest"])
        return rows(
            Lake(self.runner.spark, self.runner.settings.lake).read("bronze.shop").select("user", "_source_file")
        )


@pytest.mark.slow
def test_a_files_lines_are_ingested_once_however_often_the_job_runs(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop(spark, tmp_path)
    shop.put("1/day.csv", "user,item,at\nu,a,1\n")
    shop.put("2/day.csv", "user,item,at\nv,a,1\n")
    shop.put("copy of 1.csv", "user,item,at\nu,a,1\n")
    first = [("u", "1/day.csv"), ("v", "2/day.csv")]

    assert shop.ingest() == first
    assert shop.ingest() == first
    shop.put("3.csv", "user,item,at\nw,a,1\n")
    assert shop.ingest() == [*first, ("w", "3.csv")]


@pytest.mark.slow
def test_a_file_that_breaks_off_is_a_data_error_and_nothing_of_the_delivery_lands(
    spark: SparkSession, tmp_path: Path
) -> None:
    shop = Shop(spark, tmp_path)
    lines = "user,item,at\n" + "".join(f"{number},{number**5},{number**7}\n" for number in range(20_000))
    shop.put("a.csv", "user,item,at\nu,a,1\n")
    shop.put("b.csv.gz", gzip.compress(lines.encode())[:-1000])

    with pytest.raises(DataError, match=r"^source shop: b\.csv\.gz: it cannot be read: .* Nothing of the delivery was"):
        shop.ingest()

    shop.put("b.csv.gz", gzip.compress(b"user,item,at\nv,b,2\n"))
    assert shop.ingest() == [("u", "a.csv"), ("v", "b.csv.gz")]
