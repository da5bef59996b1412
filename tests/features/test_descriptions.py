from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.features.descriptions import from_words, from_written, prompt


def test_the_prompt_names_the_words(spark: SparkSession) -> None:
    words = spark.createDataFrame([(["red", "mug"],)], "words array<string>")

    assert words.select(prompt("Describe. ", F.col("words"))).first()[0] == "Describe.\nWords: red, mug\nTags:"


def test_without_a_language_model_the_words_describe(spark: SparkSession) -> None:
    words = spark.createDataFrame([("u", ["red", "mug"]), ("v", [])], "user_id string, words array<string>")

    assert [tuple(row) for row in from_words(words).orderBy("user_id").collect()] == [
        ("u", ["red", "mug"], ["red", "mug"], "red, mug", "words"),
        ("v", [], [], "", "words"),
    ]


def test_what_is_written_is_tags_and_then_a_description(spark: SparkSession) -> None:
    cases = {
        " Tea, red  mugs ,tea,,home\n\nThings for\ta cup of tea.\nOr two. ": (
            ["tea", "red  mugs", "home"],
            "Things for a cup of tea. Or two.",
        ),
        "one, two, three, four": (["one", "two", "three"], "red, mug"),
        " , ,\nOnly a text.": (["red", "mug"], "Only a text."),
        "": (["red", "mug"], "red, mug"),
    }
    words = spark.createDataFrame(
        [(text, ["red", "mug"], text) for text in cases], "id string, words array<string>, written string"
    )

    found = {row.id: (row.tags, row.description) for row in from_written(words, "model", 3).collect()}

    assert found == cases
