"""The landing files hold what the truth says."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

KEYS = (
    "event_id site site_user account name email phone type ts sent_at item title category brand price quantity scene "
    "search_id query position promotion rating review country user_agent"
).split()
PERSONAL = {"name", "email", "phone"}


def event_id(text: str) -> str:
    return text[13:29]


def test_the_counts_are_those_of_the_files(shop: Any) -> None:
    (counts,) = shop.truth("counts").to_dict("records")
    events, bad, copies = shop.truth("events"), shop.truth("bad_lines"), shop.truth("copies")
    found = Counter(event_id(text) for text in shop.texts())

    assert counts["lines"] == sum(found.values())
    assert counts["lines"] == counts["good"] + counts["bad"] + counts["duplicate"] + counts["redelivered"]
    assert counts["good"] == len(events) == events.event_id.nunique()
    assert counts["late"] == events.is_late.sum()
    assert set(found) == set(events.event_id) | set(bad.event_id)
    expected = Counter(events.event_id) + Counter(bad.event_id)
    expected.update(dict(zip(copies.event_id, copies.extra_lines, strict=True)))
    assert found == expected
    for kind in ("duplicate", "redelivered"):
        assert counts[kind] == copies[copies.kind == kind].extra_lines.sum()


def test_the_rates_are_those_of_the_settings(shop: Any) -> None:
    (counts,) = shop.truth("counts").to_dict("records")
    events = shop.truth("events")
    assert counts["good"] == pytest.approx(20_000, rel=0.15)
    assert counts["bad"] / counts["lines"] == pytest.approx(0.03, abs=0.004)
    assert counts["duplicate"] / counts["good"] == pytest.approx(0.02, abs=0.004)
    assert counts["redelivered"] / counts["good"] == pytest.approx(0.02, abs=0.004)
    assert counts["late"] / counts["good"] == pytest.approx(0.03, abs=0.004)
    assert events.is_bot.mean() == pytest.approx(0.1, abs=0.03)


def test_a_copy_is_the_same_line_and_a_redelivered_one_has_another_time_of_sending(shop: Any) -> None:
    copies = shop.truth("copies").set_index("event_id").kind
    lines: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for day in shop.days:
        for text in shop.texts(day):
            if event_id(text) in copies.index:
                lines[event_id(text)].append((day, text))

    assert set(copies) == {"duplicate", "redelivered"}
    for key, kind in copies.items():
        first, *others = lines[key]
        if kind == "duplicate":
            assert others
            assert set(others) == {first}
        else:
            (other,) = others
            assert other[0] > first[0]
            assert other[1] != first[1]
            assert json.loads(first[1]) | {"sent_at": ""} == json.loads(other[1]) | {"sent_at": ""}


def test_an_event_arrives_on_its_day_and_a_late_one_up_to_three_days_later(shop: Any) -> None:
    events = shop.truth("events").set_index("event_id")
    arrived: dict[str, str] = {}
    for day in shop.days:
        for text in shop.texts(day):
            arrived.setdefault(event_id(text), day)
    days = [date.fromisoformat(day) for day in shop.days]

    assert days[0] == date(2026, 1, 1)
    assert [(day - days[0]).days for day in days] == list(range(len(days)))
    late = [
        (date.fromisoformat(arrived[key]) - time.date()).days for key, time in events[events.is_late].event_time.items()
    ]
    assert set(late) == {1, 2, 3}
    in_time = events[~events.is_late]
    assert all(arrived[key] == str(time.date()) for key, time in in_time.event_time.items())
    assert all(arrived[key] == str(day) for key, day in events.arrival_day.items())


def test_lines_have_their_keys_in_order_and_tell_the_truth_about_their_event(shop: Any) -> None:
    lines, truth = shop.good_lines(), shop.truth("events").set_index("event_id")
    offsets = {"uk": 0, "de": 1, "jp": 9}
    assert set(lines) == set(truth.index)
    assert set().union(*lines.values()) == set(KEYS)
    for event in truth.itertuples():
        line = lines[event.Index]
        assert list(line) == [key for key in KEYS if key in line]
        assert line["event_id"] == event.Index
        assert (line["type"], line["site"], line["scene"]) == (event.event_type, event.site, event.scene)
        assert line.get("item") == event.item_id
        time = datetime.fromisoformat(line["ts"])
        assert time.tzinfo == timezone(timedelta(hours=offsets[event.site]))
        assert time.timestamp() == event.event_time.timestamp()
        assert len(line["ts"]) == len("2026-01-01T09:30:00.000+09:00")
        assert line["sent_at"] > time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:23]
        assert str(event.arrival_day) <= line["sent_at"]


def test_each_type_of_event_has_its_own_fields(shop: Any) -> None:
    fields: dict[str, set[str]] = defaultdict(set)
    always: dict[str, set[str]] = {}
    for line in shop.good_lines().values():
        fields[line["type"]] |= set(line)
        always[line["type"]] = always.get(line["type"], set(KEYS)) & set(line)

    about_item = {"item", "title", "category", "brand", "price"}
    everywhere = {"event_id", "site", "site_user", "type", "ts", "sent_at", "scene", "country", "user_agent"}
    own = {
        "search": {"search_id", "query"},
        "impression": {"position"} | about_item,
        "click": {"position"} | about_item,
        "cart": {"quantity"} | about_item,
        "purchase": {"quantity"} | about_item | PERSONAL,
        "return": {"quantity"} | about_item,
        "review": {"rating", "review"} | about_item,
    }
    assert always == {kind: everywhere | more for kind, more in own.items()}
    sometimes = {kind: fields[kind] - always[kind] - {"account"} for kind in own}
    assert sometimes["impression"] == sometimes["click"] == {"search_id", "promotion"}
    assert sometimes["search"] == sometimes["return"] == sometimes["review"] == set()


def is_number(value: object) -> bool:
    return isinstance(value, int | float)


DEFECTS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "item_id_missing": lambda line: line.get("item", "") == "",
    "event_time_missing": lambda line: "ts" not in line,
    "event_time_unreadable": lambda line: "T" not in line.get("ts", "T"),
    "event_type_unknown": lambda line: (
        line["type"] not in ("impression", "click", "cart", "purchase", "return", "review")
    ),
    "scene_unknown": lambda line: line["scene"] not in ("search", "recommend", "ads", "organic"),
    "quantity_not_positive": lambda line: is_number(line.get("quantity")) and line["quantity"] <= 0,
    "quantity_unreadable": lambda line: "quantity" in line and not is_number(line["quantity"]),
    "unit_price_negative": lambda line: is_number(line.get("price")) and line["price"] < 0,
    "unit_price_unreadable": lambda line: "price" in line and not is_number(line["price"]),
}


def test_each_bad_line_has_the_defects_that_were_planted_and_no_other(shop: Any) -> None:
    reasons = {row.event_id: list(row.reasons) for row in shop.truth("bad_lines").itertuples()}
    texts = {event_id(text): text for text in shop.texts() if event_id(text) in reasons}
    assert set(texts) == set(reasons)
    for key, planted in reasons.items():
        if planted == ["line_unreadable"]:
            with pytest.raises(json.JSONDecodeError):
                json.loads(texts[key])
            assert texts[key].startswith(f'{{"event_id":"{key}","')
        else:
            line = json.loads(texts[key])
            assert [reason for reason in sorted(DEFECTS) if DEFECTS[reason](line)] == planted
            assert line["type"] != "search"

    kinds = Counter(reason for planted in reasons.values() for reason in planted)
    assert set(kinds) == {*DEFECTS, "line_unreadable"}
    two = sum(len(planted) == 2 for planted in reasons.values())
    assert two / len(reasons) == pytest.approx(0.2, abs=0.05)
    assert max(len(planted) for planted in reasons.values()) == 2


def test_good_lines_have_no_defect(shop: Any) -> None:
    for line in shop.good_lines().values():
        if line["type"] != "search":
            assert not [reason for reason, is_there in DEFECTS.items() if is_there(line)]
