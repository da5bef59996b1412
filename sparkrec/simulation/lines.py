"""The lines as they land: JSON, with the fields in a fixed order and those without a value left out."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from sparkrec.simulation.catalogue import Catalogue
from sparkrec.simulation.chance import Chance, at
from sparkrec.simulation.people import People
from sparkrec.simulation.settings import SimulationSettings
from sparkrec.simulation.words import REVIEWS, SITES

_CLOCK = "yyyy-MM-dd'T'HH:mm:ss.SSS"


def as_json(settings: SimulationSettings) -> Column:
    """The text of each line of `sparkrec.simulation.faults.lines_of`; a cut-off one ends in its middle.

    Beside their columns there are ``query`` and ``sent_at``.
    """
    text = F.to_json(F.struct(*_fields(settings)))
    half = F.length(text) - 80
    length = 60 + Chance(settings.seed).whole(half, "cut off", F.col("event_id")).cast("int")
    return F.when(_has("line_unreadable"), F.substring(text, F.lit(1), length)).otherwise(text)


def sent_at(settings: SimulationSettings) -> Column:
    """When a line was sent (UTC): some seconds after its event, or as many days and seconds."""
    delay = 100 + Chance(settings.seed).whole(5_000, "delay", F.col("event_id"))
    return F.timestamp_millis(F.unix_millis("event_time") + delay + F.col("days_late") * 86_400_000)


def _fields(settings: SimulationSettings) -> list[Column]:
    chance, catalogue, them = Chance(settings.seed), Catalogue(settings), People(settings)
    event_id, person, item, site = F.col("event_id"), F.col("person_id"), F.col("item_number"), F.col("site")
    is_about_item = item.isNotNull()
    is_purchase = F.col("event_type") == "purchase"

    def wrong(reason: str, words: tuple[str, ...], right: Column) -> Column:
        return F.when(_has(reason), chance.word(words, reason, event_id)).otherwise(right)

    quantity = (
        F.when(_has("quantity_not_positive"), (-chance.whole(3, "not positive", event_id)).cast("int"))
        .when(~_has("quantity_unreadable"), F.col("quantity"))
    )  # fmt: skip
    price = F.when(_has("unit_price_negative"), -F.col("price")).when(~_has("unit_price_unreadable"), F.col("price"))
    coin = chance.happens(0.5, "empty item", event_id)
    missing_item = F.when(coin, F.lit(""))
    time = F.when(
        ~_has("event_time_missing"), wrong("event_time_unreadable", ("yesterday", "31/31/2026", "soon"), _ts(settings))
    )
    fields = {
        "event_id": event_id,
        "site": site,
        "site_user": them.site_user(person, site),
        "account": them.account(person),
        "name": F.when(is_purchase, them.name(person)),
        "email": F.when(is_purchase, them.email(person)),
        "phone": F.when(is_purchase, them.phone(person)),
        "type": wrong("event_type_unknown", ("teleport", "hover", "CLICKED"), F.col("event_type")),
        "ts": time,
        "sent_at": F.concat(F.date_format("sent_at", _CLOCK), F.lit("Z")),
        "item": F.when(_has("item_id_missing"), missing_item).otherwise(F.col("item_id")),
        "title": F.when(is_about_item, catalogue.title(item)),
        "category": F.when(is_about_item, catalogue.category_path(item)),
        "brand": F.when(is_about_item, catalogue.brand(item)),
        "price": price,
        "price_text": F.when(_has("unit_price_unreadable"), "cheap"),
        "quantity": quantity,
        "quantity_text": F.when(_has("quantity_unreadable"), "two"),
        "scene": wrong("scene_unknown", ("attic", "mars"), F.col("scene")),
        "search_id": F.col("search_id"),
        "query": F.col("query"),
        "position": F.col("position"),
        "promotion": F.col("promotion"),
        "rating": F.col("rating"),
        "review": at(
            [text for texts in REVIEWS for text in texts],
            F.col("rating") * 3 - 3 + chance.whole(3, "review text", event_id),
        ),
        "country": at([site.country for site in SITES], them.home(person)),
        "user_agent": them.user_agent(person, site),
    }
    # A field has one type in Spark; of a number and its text one is null, and both write the same key.
    return [
        column.alias(name.removesuffix("_text"))
        for name, column in fields.items()
        if name.removesuffix("_text") not in settings.without
    ]


def _ts(settings: SimulationSettings) -> Column:
    """The event's time on the clock of its site, or its day alone."""
    names = [site.name for site in SITES]
    place = F.array_position(F.lit(names), F.col("site")) - 1
    local = F.timestamp_millis(
        F.unix_millis("event_time") + at([site.offset_minutes for site in SITES], place) * 60_000
    )
    if "time_of_day" in settings.without:
        return F.date_format(local, "yyyy-MM-dd")
    return F.concat(F.date_format(local, _CLOCK), at([site.offset for site in SITES], place))


def _has(reason: str) -> Column:
    return F.coalesce(F.array_contains("reasons", reason), F.lit(False))
