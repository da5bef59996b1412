from typing import Any

import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.features.queries.catalogue import catalogue
from sparkrec.features.queries.entities import brands, colour, size
from sparkrec.features.queries.prices import price_bounds
from sparkrec.text import folded, normalised

COLOURS = {
    "red mug": "red",
    "Weißer Becher": "white",
    "chaussures noires": "black",
    "zapatos amarillos": "yellow",
    "红色马克杯": "red",
    "粉红色 杯子": "pink",
    "brightwell緑のランプ": "green",
    "青い マグ": "blue",
    "blue and red": "blue",
    # Part of another word, or none.
    "credit card": None,
    "greenhouse": None,
    "口红": None,
    "": None,
}
SIZES = {
    "mug 250ml": "250 ml",
    "mug 250 ML": "250 ml",
    "lamp 45 cm black": "45 cm",
    "bulb 20W": "20 w",
    "puzzle 100 pieces": "100 pieces",
    "Puzzle 500 Teile": "500 pieces",
    "Kessel 1,5 l": "1.5 l",
    "1.5 litre kettle": "1.5 l",
    "rug 20x30 cm": "20 x 30 cm",
    "rug 1 x 2 m": "1 x 2 m",
    "250毫升 马克杯": "250 ml",
    "shirt xl": "XL",
    "XXL jacket": "XXL",
    "jacket 3xl": "3XL",
    "socks s": "S",
    "5 m hose": "5 m",
    "women's mug": None,
    "m&s shirt": None,
    "t-shirt": None,
    "usb3 mug": None,
    "model 250": None,
    "2 men": None,
    "": None,
}
PRICES = {
    "mug under 20": (None, 20),
    "mug under £20": (None, 20),
    "below 19.99": (None, 19.99),
    "mug < 20": (None, 20),
    "mug ＜ ２０": (None, 20),
    "lampe unter 20": (None, 20),
    "lampe unter 1.250,50 €": (None, 1250.5),
    "lampe moins de 20": (None, 20),
    "menos de 20 euros": (None, 20),
    "20元以下的杯子": (None, 20),
    "1,000円以下 マグ": (None, 1000),
    "bis zu 20 euro": (None, 20),
    "max 15€": (None, 15),
    "over 50": (50, None),
    "über 50 euro": (50, None),
    "from £10": (10, None),
    "100円以上": (100, None),
    "between 10 and 20": (10, 20),
    "zwischen 10 und 20 euro": (10, 20),
    "entre 20 et 10": (10, 20),
    "10-20 euro": (10, 20),
    "£10 - £20": (10, 20),
    "$10 to 20": (10, 20),
    "10〜20円": (10, 20),
    "over 10 under 20": (10, 20),
    # Numbers of something else.
    "under 20 cm": (None, None),
    "lamp 10-20 cm": (None, None),
    "between 10 and 20 cm": (None, None),
    "toys under 3 years": (None, None),
    "under 20% off": (None, None),
    "10-20": (None, None),
    "max 5": (None, None),
    "from 1984": (None, None),
    "thunder 20": (None, None),
    "under 20x30": (None, None),
    "mug": (None, None),
}


def found(spark: SparkSession, texts: list[str], *columns: Column) -> list[tuple[Any, ...]]:
    """Columns of ``text``, in the order of the texts."""
    numbered = spark.createDataFrame(list(enumerate(texts)), "number int, text string")
    return [tuple(row)[1:] for row in numbered.select("number", *columns).orderBy("number").collect()]


def test_colours_have_one_name_in_every_language(spark: SparkSession) -> None:
    rows = found(spark, [normalised(text) for text in COLOURS], colour(F.col("text")))
    assert dict(zip(COLOURS, [row[0] for row in rows], strict=True)) == COLOURS


def test_sizes_are_numbers_with_units_or_letters_that_stand_alone(spark: SparkSession) -> None:
    rows = found(spark, [folded(text) for text in SIZES], size(F.col("text")))
    assert dict(zip(SIZES, [row[0] for row in rows], strict=True)) == SIZES


def test_prices_are_bounds_and_no_sizes(spark: SparkSession) -> None:
    rows = found(spark, [folded(text) for text in PRICES], *price_bounds(F.col("text")))
    assert dict(zip(PRICES, rows, strict=True)) == PRICES


def test_brands_are_the_longest_names_in_whole_words(spark: SparkSession, items: DataFrame) -> None:
    expected = {
        "brightwell mug": "Brightwell",
        "red cafe lumiere mug": "Café Lumière",
        "ørsted lamp": "Ørsted",
        "ørsted living lamp": "Ørsted Living",
        "lamp of ash oak": "Ash & Oak",
        "brightwell红色台灯": "Brightwell",
        "lumiere mug": None,
        "brightwells mug": None,
        "oak ash": None,
        # Equally long in words: by letters.
        "brightwell ørsted": "Brightwell",
    }
    queries = spark.createDataFrame([(query,) for query in expected], "corrected_query string")
    rows = {row.corrected_query: row.brand for row in brands(queries, catalogue(items, 1_000)).collect()}
    assert {query: rows.get(query) for query in expected} == expected


@pytest.mark.parametrize("spelt", [["ACME", "Acme", "Acme"], ["Acme", "ACME"]])
def test_a_brand_is_written_as_most_items_write_it(spark: SparkSession, spelt: list[str]) -> None:
    shop = spark.createDataFrame(
        [(str(number), None, None, name) for number, name in enumerate(spelt)],
        "item_id string, title string, category_path string, brand string",
    )
    queries = spark.createDataFrame([("acme mug",)], "corrected_query string")
    (row,) = brands(queries, catalogue(shop, 1_000)).collect()
    assert row.brand == ("Acme" if len(spelt) == 3 else "ACME")
