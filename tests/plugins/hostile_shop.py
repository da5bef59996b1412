"""A small shop whose every text is one that some program chokes on."""

import json
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

TEXTS: tuple[str | None, ...] = (
    None,
    "",
    "   ",
    "?!",
    "x",
    "Mug",
    "of the",
    "12 34",
    "<b>Mug</b> & <script>alert(1)</script>",
    'O\'Brien "best" `mug` \\ 100% {{ x }} $1 ${x} #1',
    "🎁🎁",
    "Tasse für Größe 5 cm, blau",
    "青い マグカップ 赤",
    "قدح أزرق",
    "line one\nline two\ttabbed\r\nthree",
    "\u200b\ufeff\u00a0",
    "mug " * 300,
    "null",
    "blue mug large",
    "red mug small 20 x 30 cm under 5 pounds",
)
"""Missing, empty, wordless and one-word texts, of every script, with what means something in HTML, SQL and regexps."""

_ODD_IDS = ("o'neil", 'say "hi"', "a/b\\c", "😀", "<i>u</i>", "50%", "x;y,z", "{{u}}", "ünï", "a b")

SOURCE: dict[str, Any] = {
    "name": "hostile",
    "format": "jsonl",
    "interactions": {
        **{"event_id": "event", "user_id": "user", "item_id": "item", "event_type": "type", "event_time": "at"},
        **{"search_id": "search", "position": "position", "quantity": "pieces", "unit_price": "price"},
        **{"promotion": "promotion", "country": "country", "scene": "coalesce(scene, 'organic')"},
    },
    "items": {"title": "title", "description": "description", "category_path": "category", "brand": "brand"},
    "searches": {"query": "query"},
    "reviews": {"rating": "stars", "text": "review"},
}


def write_hostile_shop(folder: Path, users: int, days: int, sessions: int) -> list[dict[str, Any]]:
    """Write the lines into ``landing`` of the folder and give them.

    A session searches with one of `TEXTS`, is shown five items, and clicks, buys, and reviews some of them; each item
    has its own title, and the popular ones are those without one. Sessions lie evenly in the days.
    """
    chance = np.random.default_rng(3)
    texts = cycle(TEXTS)
    items = [
        {
            "item": f"i{number} {_ODD_IDS[number % len(_ODD_IDS)]}",
            **{"title": TEXTS[number % len(TEXTS)], "description": TEXTS[(number + 3) % len(TEXTS)]},
            **{"category": TEXTS[(number + 5) % len(TEXTS)], "brand": TEXTS[(number + 7) % len(TEXTS)]},
            "price": f"{1 + number / 4:.2f}",
        }
        for number in range(2 * len(TEXTS))
    ]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    lines: list[dict[str, Any]] = []
    for session in range(sessions):
        user = int(chance.integers(0, users))
        who = {"user": f"{_ODD_IDS[user % len(_ODD_IDS)]} {user}", "country": TEXTS[user % len(TEXTS)]}
        at = start + timedelta(days=days * session / sessions)

        events: list[tuple[str, int, dict[str, Any]]] = [("search", 0, {"query": next(texts)})]
        for place, number in enumerate(np.minimum(chance.geometric(0.08, 5) - 1, len(items) - 1), 1):
            item = {**items[int(number)], "promotion": next(texts)}
            events.append(("impression", place, {**item, "position": place}))
            if place < 3:
                events.append(("click", 10 * place, item))
                events.append(("purchase", 20 * place, {**item, "pieces": "1"}))
            if place == 1:
                stars = str(chance.integers(1, 6))
                events.append(("review", 90, {**item, "stars": stars, "review": next(texts)}))
        for kind, seconds, told in events:
            time = (at + timedelta(seconds=seconds)).isoformat()
            line = {"event": f"e{len(lines)}", "type": kind, "at": time, "search": f"s{session}"}
            lines.append({**line, **who, **told})
    landing = folder / "landing"
    landing.mkdir(parents=True)
    written = (json.dumps(one, ensure_ascii=False) for one in lines)
    (landing / "lines.jsonl").write_text("\n".join(written), encoding="utf-8")
    return lines
