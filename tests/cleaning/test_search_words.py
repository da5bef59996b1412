import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.search_words import search_words, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Blue MUGS for the garden", ["blue", "mug", "garden"]),
        ("berries, glasses; dress and bus, plates", ["berry", "glass", "dress", "bus", "plate"]),
        ("20 x 30 cm / no. 7", ["20", "x", "30", "cm", "7"]),
        ("Größe café", ["grosse", "cafe"]),
        ("青い マグカップ", ["青い", "マグカップ"]),
        ("?!", []),
        ("", []),
        ("the of and", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_a_column_of_texts_is_cut_and_may_be_missing(spark: SparkSession) -> None:
    texts = spark.createDataFrame([(1, "red mugs and " + "lamp " * 9), (2, None)], "id int, text string")

    found = {row.id: row.words for row in texts.select("id", search_words(F.col("text"), 20).alias("words")).collect()}

    assert found == {1: ["red", "mug", "lamp"], 2: []}
