from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkrec.cleaning.titles import tidy_text, title_words


def test_tidy_text_folds_every_kind_of_blank_and_an_empty_text_is_missing(spark: SparkSession) -> None:
    cases = {
        "  RED   MUG ": "RED MUG",
        "RED\tMUG\r\n": "RED MUG",
        "RED\u00a0\u2009MUG\u3000": "RED MUG",
        "mug": "mug",
        " \t ": None,
        "\u00a0": None,
        "": None,
        None: None,
    }
    texts = spark.createDataFrame([(text,) for text in cases], "text string")

    tidied = texts.select("text", tidy_text(F.col("text")).alias("tidied")).collect()

    assert {row.text: row.tidied for row in tidied} == cases


def test_title_words_are_lower_case_letters_in_order_without_short_and_stop_words(spark: SparkSession) -> None:
    cases = {
        "WHITE HANGING HEART T-LIGHT HOLDER": ["white", "hanging", "heart", "light", "holder"],
        "Set of 3 cake-tins, PANTRY design (12cm)": ["set", "cake", "tins", "pantry", "design", "cm"],
        "The bag for  the red RED bag": ["bag", "red", "red", "bag"],
        "CHILDREN'S apron": ["children", "apron"],
        "A 4 of": [],
        "123": [],
        "": [],
        None: [],
    }
    titles = spark.createDataFrame([(title,) for title in cases], "title string")

    words = titles.select("title", title_words(F.col("title"), 1_000).alias("words")).collect()

    assert {row.title: row.words for row in words} == cases


def test_title_words_keep_the_words_of_every_script_whole(spark: SparkSession) -> None:
    cases = {
        "Grüße aus KÖLN": ["grüße", "aus", "köln"],
        "ЧАЙНИК красный 2л": ["чайник", "красный"],
        "ΚΟΎΠΑ κόκκινη": ["κούπα", "κόκκινη"],
        "赤い マグカップ": ["赤い", "マグカップ"],
        # Their vowels are marks on letters.
        "चाय की केतली": ["चाय", "की", "केतली"],
        "Cafe\u0301 cre\u0300me": ["cafe\u0301", "cre\u0300me"],
    }
    titles = spark.createDataFrame([(title,) for title in cases], "title string")

    words = titles.select("title", title_words(F.col("title"), 1_000).alias("words")).collect()

    assert {row.title: row.words for row in words} == cases


def test_title_words_of_scripts_without_blanks_are_segmented(spark: SparkSession) -> None:
    cases = {
        "Nordhaus 红色马克杯 250 ml": ["nordhaus", "红色", "马克杯", "ml"],
        "蓝色运动鞋": ["蓝色", "运动鞋"],
        "茶": ["茶"],
        "緑のマグカップ": ["緑の", "マグカップ"],
        "Tamura 赤い靴下 M": ["tamura", "赤い", "靴下"],
    }
    titles = spark.createDataFrame([(title,) for title in cases], "title string")

    words = titles.select("title", title_words(F.col("title"), 1_000).alias("words")).collect()

    assert {row.title: row.words for row in words} == cases
