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
from sparkrec.errors import ConfigurationError, DataError
from sparkrec.graph import JOBS
from sparkrec.lake import Lake
from sparkrec.lake.landing import landing_files, read_landing, short_names
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
        return read_landing(spark, source, dict.fromkeys(landing_files(source), "batch")).drop("_batch_id")

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

    assert [uri.rsplit("/", 2)[1:] for uri in landing_files(source)] == [["pyspark", "version.py"]]
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


@pytest.mark.parametrize("header", ["user,at,item", "user,item,at,more", "user,item"])
def test_a_csv_with_other_columns_than_the_first_is_refused_by_its_name(
    land: Land, tmp_path: Path, header: str
) -> None:
    with pytest.raises(DataError) as error:
        land({"a.csv": "user,item,at\n1,2,3\n", "b.csv": f"{header}\n1,2,3\n"})

    columns = header.replace(",", ", ")
    assert str(error.value) == (
        f"source shop: the columns of {tmp_path}/b.csv: {columns} are not those of {tmp_path}/a.csv: user, item, at"
    )


def test_columns_without_a_name_or_with_the_same_one_are_told_apart(land: Land) -> None:
    lines = land({"a.csv": ",item,item\n0,a,b\n", "b.csv": ",item,item\n1,c,d\n"})

    assert lines.columns[:3] == ["_c0", "item1", "item2"]
    assert rows(lines) == [("0", "a", "b", None, "a.csv"), ("1", "c", "d", None, "b.csv")]


def test_an_empty_csv_is_refused_by_its_name(land: Land, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"source shop: {tmp_path}/b.csv has no line of column names"):
        land({"a.csv": "user,item\n", "b.csv": ""})


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
        "price": "1.50",
        "shop": '{"id":"7"}',
        "tags": '["x","2"]',
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


@pytest.mark.parametrize(
    ("contents", "format_", "message"),
    [
        ({"a.parquet": b"none"}, "parquet", "a.parquet cannot be read as parquet: .*is not a Parquet file"),
        (
            {"a.parquet": pa.table({"u": [1]}), "b.parquet": pa.table({"u": ["x"]})},
            "parquet",
            ".*cannot be read as parquet: .* merge",
        ),
        ({"a.csv.gz": b"no gzip"}, "csv", "a.csv.gz cannot be read as csv"),
    ],
    ids=["no parquet", "other types", "no gzip"],
)
def test_a_file_that_is_not_of_its_format_is_a_data_error(
    land: Land, contents: Any, format_: str, message: str
) -> None:
    with pytest.raises(DataError, match=f"^source shop: .*{message}"):
        land(contents, format=format_)


def test_a_file_without_one_readable_line_keeps_their_texts(land: Land) -> None:
    found = land({"a.jsonl": '{"user": \n\n{"it'}, format="jsonl")

    assert sorted(row._corrupt_record for row in found.collect()) == ['{"it', '{"user": ']


def test_an_option_that_spark_refuses_is_named(land: Land) -> None:
    with pytest.raises(ConfigurationError, match=r"^source shop: options: .*latin-one"):
        land({"a.csv": "user\n1\n"}, options={"encoding": "latin-one"})


def test_a_source_without_files_says_which_key_to_mend(tmp_path: Path) -> None:
    source = SourceSettings(name="shop", landing=f"{tmp_path}/*.csv", interactions=MAPPING)

    with pytest.raises(DataError) as error:
        landing_files(source)

    assert str(error.value) == (
        f"source shop: no file at {tmp_path}/*.csv: mend `landing` in the source file; "
        "a relative path starts at that file's folder"
    )


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

    with pytest.raises(DataError, match=r"^source shop: .*/b\.csv\.gz cannot be read as csv: Unexpected end"):
        shop.ingest()

    shop.put("b.csv.gz", gzip.compress(b"user,item,at\nv,b,2\n"))
    assert shop.ingest() == [("u", "a.csv"), ("v", "b.csv.gz")]
