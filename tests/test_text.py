import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.text import folded, folded_query, normalised, normalised_query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("  Red\tCUP ", "red cup"),
        ("Café-Crème, 2.5l!", "cafe creme 2 5l"),
        ("ＵＳＢ　ｃａｂｌｅ", "usb cable"),
        ("STRASSE straße", "strasse strasse"),
        ("红色 杯子。", "红色 杯子"),
        ("がいこくじん ｶﾞ", "がいこくじん ガ"),
        ("हिन्दी", "हिन्दी"),
        ("ёлка", "елка"),
        ("snake_case", "snake case"),
        ("!?", ""),
    ],
)
def test_case_width_accents_and_punctuation_go_and_every_script_stays(query: str, expected: str) -> None:
    assert normalised(query) == expected
    assert normalised(normalised(query)) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [("Über ＜ £2.50", "uber < £2.50"), ("２０元以下", "20元以下"), ("À partir de 1,5 L", "a partir de 1,5 l")],
)
def test_a_folded_text_keeps_its_punctuation(query: str, expected: str) -> None:
    assert folded(query) == expected


def test_columns_of_texts_are_changed_alike_and_a_missing_one_stays(spark: SparkSession) -> None:
    texts = spark.createDataFrame([("Café!",), (None,)], "text string")
    found = texts.select(normalised_query(F.col("text"), 256), folded_query(F.col("text"), 256)).collect()
    assert [tuple(row) for row in found] == [("cafe", "cafe!"), (None, None)]
