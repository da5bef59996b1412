"""A small shop whose items queries are held against."""

import pytest
from pyspark.sql import DataFrame, SparkSession

ITEMS = [
    ("i1", "Brightwell Classic Red Mug 250 ml", "Kitchen > Mugs", "Brightwell"),
    ("i2", "Café Lumière Soft Blue Mug 350 ml", "Kitchen > Mugs", "Café Lumière"),
    ("i3", "Brightwell Modern Green Lamp 30 cm", "Home > Lamps", "Brightwell"),
    ("i4", "Ash & Oak Light Black Lamp 45 cm", "Home > Lamps", "Ash & Oak"),
    ("i5", "Ørsted Living Soft White Headphones 1 m", "Electronics > Headphones", "Ørsted Living"),
    ("i6", "Ash & Oak Classic Face Cream 50 ml", "Beauty > Creams", "Ash & Oak"),
    ("i7", "Ørsted 红色台灯 30 cm", "Home > Lamps", "Ørsted"),
    ("i8", None, None, None),
]


@pytest.fixture(scope="session")
def items(spark: SparkSession) -> DataFrame:
    """The current rows of silver.items, as far as they matter."""
    return spark.createDataFrame(
        ITEMS, "item_id string, title string, category_path string, brand string"
    ).localCheckpoint()
