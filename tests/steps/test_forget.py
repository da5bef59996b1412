"""Forgetting on tables that are filled by hand."""

from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from sparkrec.config import load_settings
from sparkrec.lake import Lake
from sparkrec.steps.forget import forget

SOURCE = "name: shop\nlanding: landing\ninteractions: {user_id: user, item_id: item, event_time: at}\n"
# The first of all ids: the least value of every file that has it.
GONE, STAYS = "0000aaaa0000aaaa0000aaaa0000aaaa", "ffff0000ffff0000ffff0000ffff0000"
TYPED = [("s1", GONE, "nora cup"), ("s2", GONE, "red cup"), ("s3", STAYS, "red cup"), ("s4", STAYS, "nroa cup")]
# What the queries were corrected to: the last one by a word that only the first person has typed.
READ = {"nora cup": "nora cup", "red cup": "red cup", "nroa cup": "nora cup"}


def fill_shop(fill: Any) -> None:
    people = [("uk:1", GONE, "visitor-1"), ("uk:2", STAYS, "visitor-2")]
    fill(
        "private.identities",
        [{"landed_user_id": landed, "user_id": user, "visitor_id": visitor} for landed, user, visitor in people],
    )
    fill(
        "silver.searches",
        [
            {"search_id": search, "user_id": user, "normalised_query": query, "event_date": date(2026, 1, 1)}
            for search, user, query in TYPED
        ],
    )
    fill("silver.items", [{"item_id": "i1", "title": "Red Cup"}])
    fill("features.query_text", [{"normalised_query": query, "corrected_query": READ[query]} for query in READ])
    fill("features.query_items", [{"normalised_query": query, "item_id": "i1"} for query in READ])
    fill("features.text_vectors", [{"text": text} for text in ("nora cup", "red cup", "Red Cup")])
    users = [{"feature": "user", "value": user, "index": place} for place, user in enumerate((GONE, STAYS), 2)]
    # An item may be called as a user is.
    fill("features.vocabulary", [*users, {"feature": "item", "value": "uk:1", "index": 2}])
    fill("features.retrieval_samples", [{"event_id": f"e{index}", "user_index": index} for index in (1, 2, 3)])
    fill("gold.user_profiles", [{"user_id": user, "as_of": date(2026, 1, 1)} for user in (GONE, STAYS)])


def values(lake: Lake, table: str, column: str) -> list[object]:
    return sorted(row[0] for row in lake.read(table).select(column).collect())


def test_what_only_the_person_typed_goes_from_all_tables_that_hold_texts(
    spark: SparkSession, filled: Any, tmp_path: Path
) -> None:
    lake = Lake(spark, str(tmp_path / "a lake [of {it}] #1 50%"))
    fill_shop(filled(lake))
    items = lake.version("silver.items")
    (tmp_path / "shop.yaml").write_text(SOURCE, encoding="utf-8")
    settings = load_settings("test", str(tmp_path / "shop.yaml"), lake.root)

    done = forget(settings, spark, {"the first": "uk:1"})

    assert done.removed == {
        "silver.searches": 2,
        "features.retrieval_samples": 1,
        "gold.user_profiles": 1,
        "features.query_text": 2,
        "features.query_items": 2,
        "features.text_vectors": 1,
        "private.identities": 1,
    }
    assert values(lake, "features.query_text", "normalised_query") == ["red cup"]
    assert values(lake, "features.query_items", "normalised_query") == ["red cup"]
    assert values(lake, "features.text_vectors", "text") == ["Red Cup", "red cup"]
    assert values(lake, "silver.searches", "search_id") == ["s3", "s4"]
    assert values(lake, "features.vocabulary", "value") == [STAYS, "forgotten 2", "uk:1"]
    assert values(lake, "features.retrieval_samples", "event_id") == ["e1", "e3"]
    # Neither data nor statistics of any version, nor what commits say of themselves, hold the id.
    assert [str(file) for file in tmp_path.rglob("*") if file.is_file() and GONE.encode() in file.read_bytes()] == []
    # What holds nobody keeps its history.
    assert lake.has_version("silver.items", items)
    assert (done.landing, Path(done.landing_list).exists()) == ((), False)
    # The ids that were given are in no file any more.
    assert sorted(path.name for path in Path(lake.path("private/")).iterdir()) == [
        "forgotten",
        "forgotten_batches",
        "identities",
    ]
