"""Who the visitors are and when they come."""

from collections import defaultdict
from typing import Any

import pandas as pd


def test_visits_are_more_than_35_minutes_apart_and_events_of_a_visit_less_than_25(shop: Any) -> None:
    events = shop.truth("events").sort_values(["person_id", "event_time"], kind="stable")
    before = events.shift()
    same_person = before.person_id == events.person_id
    same_visit = before.session_key == events.session_key
    gap = events.event_time - before.event_time

    assert gap[same_visit].max() < pd.Timedelta(minutes=25)
    assert gap[same_person & ~same_visit].min() > pd.Timedelta(minutes=35)
    # No visit is cut in two by another one.
    assert (~same_visit).sum() == events.session_key.nunique()
    assert (events.groupby("session_key").site.nunique() == 1).all()
    assert (events.groupby("person_id").session_key.nunique() > 1).mean() > 0.5


def test_the_site_users_of_a_person_map_to_the_persons_account(shop: Any) -> None:
    people, events = shop.truth("people").set_index("person_id"), shop.truth("events").set_index("event_id")
    site_users = {person: dict(users) for person, users in people.site_users.items()}
    accounts: dict[str, set[str | None]] = defaultdict(set)
    for key, line in shop.good_lines().items():
        person = events.person_id[key]
        assert line["site_user"] == site_users[person][line["site"]]
        assert line.get("account") == people.account[person]
        accounts[line["site_user"]].add(line.get("account"))

    assert all(len(known) == 1 for known in accounts.values())
    everywhere = [user for users in site_users.values() for user in users.values()]
    assert len(everywhere) == len(set(everywhere)) == 3 * len(people)
    linked = people.account[~people.is_bot]
    assert 0.55 < linked.notna().mean() < 0.65
    assert linked.dropna().is_unique
    assert (events.groupby("person_id").site.nunique() > 1).mean() > 0.2


def test_personal_fields_are_the_persons_own(shop: Any) -> None:
    events = shop.truth("events").set_index("event_id")
    seen = 0
    for key, line in shop.good_lines().items():
        if "name" in line:
            person = events.person_id[key]
            assert line["name"].split(" ")[1] == f"Canary-{person}"
            assert line["email"] == f"p{person}@canary.example"
            assert line["phone"] == f"+44 7700 9{person:05d}"
            seen += 1
    assert seen == (events.event_type == "purchase").sum() > 100


def test_cold_people_and_items_come_in_the_last_days(shop: Any) -> None:
    events, people, items = shop.truth("events"), shop.truth("people"), shop.truth("items")
    last_days = pd.Timestamp("2026-01-13", tz=events.event_time.dt.tz)
    cold_people = events.person_id.isin(people.person_id[people.is_cold])
    cold_items = events.item_id.isin(items.item_id[items.is_cold])
    early = events.event_time < last_days
    for cold in (cold_people, cold_items):
        assert cold.sum() > 50
        assert not (cold & early).any()
    assert 0.06 < people.is_cold.mean() < 0.14
    assert 0.06 < items.is_cold.mean() < 0.14


def test_bots_are_quick_and_buy_nothing_and_half_of_them_say_what_they_are(shop: Any) -> None:
    events = shop.truth("events")
    bots = events[events.is_bot].sort_values(["person_id", "event_time"])
    gap = bots.groupby("session_key").event_time.diff().dropna()
    assert gap.max() < pd.Timedelta(seconds=3)
    assert (gap < pd.Timedelta(seconds=1)).mean() > 0.95
    assert set(bots.event_type) == {"search", "impression", "click"}
    lines = shop.good_lines()
    honest = {key: "bot" in lines[key]["user_agent"].lower() or "Crawler" in lines[key]["user_agent"] for key in lines}
    honest_by_person = events.assign(honest=events.event_id.map(honest)).groupby("person_id").honest.mean()
    assert set(honest_by_person) == {0.0, 1.0}
    people = shop.truth("people").set_index("person_id")
    assert set(honest_by_person[people.is_bot.reindex(honest_by_person.index)]) == {0.0, 1.0}
    assert not honest_by_person[~people.is_bot.reindex(honest_by_person.index)].any()
