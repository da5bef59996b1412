"""What visitors do follows from what they like."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sparkrec.simulation.words import BRANDS, CATEGORIES


@pytest.fixture(scope="module")
def events(shop: Any) -> pd.DataFrame:
    """People's events with what there is to know about their person and item."""
    everything = shop.truth("events").merge(shop.truth("items").drop(columns="price"), on=["item_id", "item_number"])
    people = shop.truth("people")[["person_id", "taste", "price_level"]]
    together = everything.merge(people, on="person_id", suffixes=("", "_liked"))
    return together[~together.is_bot]


def click_rate(events: pd.DataFrame) -> float:
    types = events.event_type.value_counts()
    return float(types["click"] / types["impression"])


def test_clicks_fall_with_the_position(events: pd.DataFrame) -> None:
    rates = [
        click_rate(events[events.position.between(first, last)]) for first, last in ((1, 1), (2, 3), (4, 6), (7, 12))
    ]
    assert rates == sorted(rates, reverse=True)
    assert rates[0] > 2.5 * rates[-1]


def test_people_click_what_they_like_more_than_chance(events: pd.DataFrame) -> None:
    taste = np.array([liked[category] for liked, category in zip(events.taste, events.category_number, strict=True)])
    favourite = taste > 0.4
    assert click_rate(events[favourite]) > 1.5 * click_rate(events[~favourite])
    clicked = (events.event_type == "click").to_numpy()
    # As often as the category is clicked by all of them: what a click on it would be worth by chance.
    chance = events.category_number[clicked].sample(frac=1, random_state=0)
    by_chance = np.mean([liked[category] for liked, category in zip(events.taste[clicked], chance, strict=True)])
    assert taste[clicked].mean() > 1.5 * by_chance


def test_people_click_their_own_price_level(events: pd.DataFrame) -> None:
    near = (events.price_level - events.price_level_liked).abs() < 0.2
    assert click_rate(events[near]) > 1.2 * click_rate(events[~near])


def test_promotions_lower_the_price_and_raise_the_clicks(shop: Any, events: pd.DataFrame) -> None:
    prices = shop.truth("items").set_index("item_id").price
    offered = events.promotion.notna() & events.event_type.isin(["impression", "click"])
    usual = events.promotion.isna() & events.event_type.isin(["impression", "click"])
    np.testing.assert_allclose(events.price[offered], 0.8 * prices[events.item_id[offered]], atol=0.0051)
    np.testing.assert_array_equal(events.price[usual], prices[events.item_id[usual]])
    assert 0.01 < offered.mean() < 0.12
    assert click_rate(events[offered]) > click_rate(events[usual])


def test_each_step_follows_from_the_one_before(shop: Any, events: pd.DataFrame) -> None:
    types = events.event_type.value_counts()
    assert types["impression"] > types["click"] > types["cart"] > types["purchase"] > types["return"] > 0
    bought = events[events.event_type == "purchase"].groupby(["person_id", "item_id"]).event_time.min()
    later = events[events.event_type.isin(["return", "review"])].set_index(["person_id", "item_id"]).event_time
    waited = later - bought.reindex(later.index)
    assert waited.min() > pd.Timedelta(days=1)
    reviews = events[events.event_type == "review"]
    assert set(reviews.rating) == {1, 2, 3, 4, 5}
    assert np.corrcoef(reviews.quality, reviews.rating)[0, 1] > 0.6


def test_a_page_shows_different_items_at_positions_from_one(shop: Any) -> None:
    truth = shop.truth("events")
    impressions = truth[(truth.event_type == "impression") & truth.search_id.notna()]
    by_search = impressions.groupby("search_id")
    assert (by_search.position.min() == 1).all()
    assert (by_search.position.max() == by_search.size()).all()
    assert (by_search.item_id.nunique() == by_search.size()).all()
    assert set(impressions.search_id) == set(truth[truth.event_type == "search"].search_id)


def test_popular_items_are_shown_more(shop: Any, events: pd.DataFrame) -> None:
    items = shop.truth("items").set_index("item_id")
    impressions = events[events.event_type == "impression"].item_id.value_counts().reindex(items.index, fill_value=0)
    assert items.popularity.sum() == pytest.approx(1.0)
    head = items.popularity.nlargest(40).index
    assert 0.3 < impressions[head].sum() / impressions.sum() < 0.7
    assert items.popularity.corr(impressions, method="spearman") > 0.6


def test_items_with_a_native_title_are_sold_on_jp_alone(shop: Any, events: pd.DataFrame) -> None:
    native = [title.encode("latin-1", "ignore").decode("latin-1") != title for title in events.title]
    of_jp = [list(sites) == ["jp"] for sites in events.sites]
    assert native == of_jp
    assert set(events[of_jp].site) == {"jp"}


def test_queries_name_what_is_looked_for(shop: Any) -> None:
    queries = shop.truth("queries").set_index("search_id")
    typed = {line["search_id"]: line["query"] for line in shop.good_lines().values() if line["type"] == "search"}
    assert queries["query"].to_dict() == typed
    words = {category.path: category for category in CATEGORIES}
    for row in queries.itertuples():
        category = words[row.intended_category]
        named = (category.noun, category.synonym, category.chinese, category.japanese)
        assert row.corrected_query.endswith(named)
        if row.brand is not None:
            assert row.brand in BRANDS
            assert row.brand.lower() in row.corrected_query
        if row.colour is not None and row.corrected_query.endswith((category.noun, category.synonym)):
            assert row.colour in row.corrected_query
    slips = (queries["query"] != queries.corrected_query).mean()
    assert 0.2 < slips < 0.4
    assert queries["query"].str.contains("[\u4e00-\u9fff]").mean() > 0.03
    assert queries["query"].str.contains("[\uff41-\uff5a]").any()
