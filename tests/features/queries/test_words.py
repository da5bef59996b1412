from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.features.queries.catalogue import catalogue
from sparkrec.features.queries.vocabulary import vocabulary
from sparkrec.features.queries.words import runs, words


def test_chinese_and_japanese_are_cut_into_pairs_of_letters(spark: SparkSession) -> None:
    texts = ["red mug", "brightwell红色台灯", "赤い マグ", "4k电视", "灯", "コーヒー", ""]
    rows = spark.createDataFrame([(text,) for text in texts], "text string").select(
        runs(F.col("text")).alias("runs"), words(F.col("text")).alias("words")
    )
    assert [tuple(row) for row in rows.collect()] == [
        (["red", "mug"], ["red", "mug"]),
        (["brightwell", "红色台灯"], ["brightwell", "红色", "色台", "台灯"]),
        (["赤い", "マグ"], ["赤い", "マグ"]),
        (["4k", "电视"], ["4k", "电视"]),
        (["灯"], ["灯"]),
        (["コーヒー"], ["コー", "ーヒ", "ヒー"]),
        ([], []),
    ]


def test_texts_of_items_are_normalised_and_missing_ones_empty(items: DataFrame) -> None:
    rows = {row.item_id: row for row in catalogue(items, 1_000).collect()}
    assert rows["i2"].asDict() == {
        "item_id": "i2",
        "category": "Kitchen > Mugs",
        "brand": "Café Lumière",
        "title_text": "cafe lumiere soft blue mug 350 ml",
        "category_text": "kitchen mugs",
        "brand_text": "cafe lumiere",
    }
    assert (rows["i8"].title_text, rows["i8"].category_text, rows["i8"].brand_text) == ("", "", "")


def test_the_vocabulary_counts_items_and_clicks_of_words_and_pairs(spark: SparkSession, items: DataFrame) -> None:
    clicks = spark.createDataFrame(
        [("red cup", 4), ("cup 红色", 2), ("red mug", 3), ("rare word", 2)], "normalised_query string, clicks long"
    )

    found = {row.text: (row["items"], row["clicks"]) for row in vocabulary(catalogue(items, 1_000), clicks).collect()}

    assert found["mug"] == (2, 3)
    assert found["red"] == (1, 7)
    assert found["red mug"] == (1, 3)
    assert found["face cream"] == (1, 0)
    # Twice in the item's texts.
    assert found["brightwell"] == (2, 0)
    # Of no item, but clicked.
    assert (found["cup"], found["red cup"]) == ((0, 6), (0, 4))
    # Clicked too seldom; of another script or with digits, which are not spelt letter by letter.
    assert not {"rare", "rare word", "红色", "250", "250 ml", "m 250"} & set(found)
