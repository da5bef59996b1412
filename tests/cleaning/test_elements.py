import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.elements import with_elements, without_explode
from sparkrec.cleaning.labels import labelled_lines
from sparkrec.config.settings import SourceSettings
from sparkrec.errors import ConfigurationError

ARRAY = "from_json(lines, 'array<struct<sku:string,qty:string>>')"
ROWS = [
    ("u1", "e1", '[{"sku": "A", "qty": "1"}, {"sku": "B", "qty": "2"}, {"sku": "A", "qty": "x"}]'),
    ("u2", "e2", "[]"),
    ("u3", "e3", None),
]


def source(**interactions: str) -> SourceSettings:
    given = {"user_id": "user", "item_id": f"explode({ARRAY}).sku", "event_time": "'2024-01-01 10:00:00'"}
    return SourceSettings.model_validate({"name": "shop", "landing": "x", "interactions": given | interactions})


@pytest.fixture
def lines(spark: SparkSession) -> DataFrame:
    lines = spark.createDataFrame(ROWS, "user string, id string, lines string")
    return lines.withColumns(
        {"_ingested_at": F.expr("timestamp '2026-11-01 00:00:00'"), "_source_file": F.lit("a.csv")}
    )


def labelled(lines: DataFrame, source: SourceSettings) -> list[tuple[object, ...]]:
    found = labelled_lines(with_elements(lines, source), source).collect()
    return sorted(
        (row.user_id, row.item_id or "", row.event_id[-4:], "+".join(row.reasons), (row.row_id or "")[-2:])
        for row in found
    )


def test_each_element_is_an_event_with_an_id_of_its_own_and_a_line_without_any_is_refused(lines: DataFrame) -> None:
    spaced = ARRAY.replace(", ", " ,  ")
    mapping = source(event_id="id", quantity=f"double(EXPLODE( {spaced} ).qty) * 1")

    rows = labelled(lines, mapping)

    assert [row[:4] for row in rows] == [
        ("u1", "A", "e1", ""),
        ("u1", "A", "e1#2", ""),
        ("u1", "B", "e1#1", ""),
        ("u2", "", "e2", "item_id_missing"),
        ("u3", "", "e3", "item_id_missing"),
    ]


def test_without_an_id_of_the_source_the_lines_hash_is_told_apart_and_refused_elements_too(lines: DataFrame) -> None:
    rows = labelled(lines.where("user = 'u1'"), source(quantity=f"explode({ARRAY}).qty"))

    assert sorted((row[1], row[3], row[4]) for row in rows) == [
        ("A", "", ""), ("A", "quantity_unreadable", "#2"), ("B", "", ""),
    ]  # fmt: skip
    assert sum("#" in str(row[2]) for row in rows) == 2


def test_an_id_that_is_about_the_element_stays_as_it_is(lines: DataFrame) -> None:
    rows = labelled(lines.where("user = 'u1'"), source(event_id=f"concat(id, explode_outer({ARRAY}).sku)"))

    assert [row[2] for row in rows] == ["e1A", "e1A", "e1B"]


def test_two_arrays_and_what_is_no_array_are_refused(lines: DataFrame) -> None:
    for mapping, why in (
        (
            source(quantity="explode(split(lines, ','))"),
            r"^interactions\.quantity: explode\(split\(.* is another array",
        ),
        (source(item_id="explode(lines)"), r"^interactions\.item_id: explode\(lines\): it is string, and no array"),
        (source(item_id="explode(split(items, ','))"), r"the line has no items; it has user, id, lines$"),
    ):
        with pytest.raises(ConfigurationError, match=why):
            with_elements(lines, mapping)


def test_only_calls_of_explode_are_replaced(spark: SparkSession) -> None:
    assert without_explode(spark, "concat('explode(a)', explode(split(a, ')')), exploded)") == (
        "concat('explode(a)', `_sparkrec_element`, exploded)"
    )
