"""What visitors do: pages of items that are shown, clicked, put into the cart, bought, returned and reviewed."""

from itertools import accumulate

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from sparkrec.simulation.catalogue import Catalogue
from sparkrec.simulation.chance import Chance, at
from sparkrec.simulation.people import FAVOURITE_SHARES
from sparkrec.simulation.queries import Queries, query_match
from sparkrec.simulation.sessions import DAY, MINUTE, SLOT_MINUTES, SLOTS_A_DAY, Plan, sessions
from sparkrec.simulation.settings import SimulationSettings
from sparkrec.simulation.words import SITES

TYPES = ("search", "impression", "click", "cart", "purchase", "return", "review")
_SEARCH, _IMPRESSION, _CLICK, _CART, _PURCHASE, _RETURN, _REVIEW = range(7)

_EXAMINATION = -0.7
"""Power of the position: how fast attention falls down the page."""
_LIKING = (1.0, 0.7, 0.5, 0.15)
"""How much items of the first, second, third favourite and of any other category please."""
_APPEAL_OF_HOT_ITEM = 0.17
"""The average item's, so that the hot item has the same share of clicks as of showings."""

_PAGE_MINUTES = 15
_BOT_GAP, _BOT_PAGE = 400, 12
_LATER_MINUTE, _LATER_MINUTES = 170, 20


def events(spark: SparkSession, settings: SimulationSettings, planned: Plan, partitions: int) -> DataFrame:
    """The good events with the truth about each; ``item_number`` and ``search_category`` are null where none is."""
    visits = sessions(spark, settings, planned, partitions)
    return _told(_outcomes(_showings(_pages(visits, settings), settings), settings), settings)


def _pages(visits: DataFrame, settings: SimulationSettings) -> DataFrame:
    """One to three pages a visit, of a bot four to fourteen, each about a category."""
    chance = Chance(settings.seed)
    visit, page = (F.col("person_id"), F.col("slot")), (F.col("person_id"), F.col("slot"), F.col("page"))
    more = chance.uniform("pages", *visit)
    of_person = 1 + F.when(more < 0.5, 1).otherwise(0) + F.when(more < 0.2, 1).otherwise(0)
    of_bot = 4 + chance.whole(11, "bot pages", *visit)
    pages = F.when(F.col("is_bot"), of_bot).otherwise(of_person).cast("int")
    scene = chance.uniform("scene", *page)
    pause = _PAGE_MINUTES * MINUTE * F.col("page") + chance.whole(3 * MINUTE, "pause", *page)
    begins = F.when(F.col("is_bot"), _BOT_GAP * _BOT_PAGE * F.col("page")).otherwise(pause)
    choice = chance.uniform("favourite", *page)
    category = F.when(F.lit(False), F.lit(None).cast("bigint"))
    for place, below in enumerate(accumulate(FAVOURITE_SHARES)):
        category = category.when(choice < below, F.col(f"favourite_{place}"))
    category = category.otherwise(Catalogue(settings).draw_category(chance.uniform("other category", *page)))
    return (
        visits.withColumn("page", F.explode(F.sequence(F.lit(0), pages - 1)))
        .withColumn("page", F.col("page").cast("bigint"))
        .withColumn(
            "scene",
            F.when(scene < 0.5, "search").when(scene < 0.75, "recommend").when(scene < 0.9, "organic").otherwise("ads"),
        )
        .withColumn("page_start", F.col("start") + begins)
        .withColumn("page_category", category)
        .withColumn("impressions", F.when(F.col("is_bot"), _BOT_PAGE).otherwise(4 + chance.whole(9, "shown", *page)))
        .withColumn("search_id", F.when(F.col("scene") == "search", F.concat(F.lit("S"), chance.code("search", *page))))
    )


def _showings(pages: DataFrame, settings: SimulationSettings) -> DataFrame:
    """The different items of each page at positions from 1."""
    chance, catalogue = Chance(settings.seed), Catalogue(settings)
    page = (F.col("person_id"), F.col("slot"), F.col("page"))
    at_jp = F.col("site_number") == [site.name for site in SITES].index("jp")

    def draw(position: Column) -> Column:
        place = position.cast("bigint")
        anywhere = catalogue.draw_category(chance.uniform("category anywhere", *page, place))
        evenly = chance.whole(len(catalogue.sizes), "category of bot", *page, place)
        off_topic = chance.happens(0.2, "off topic", *page, place)
        category = F.when(off_topic, anywhere).otherwise(F.col("page_category"))
        return catalogue.draw_item(
            F.when(F.col("is_bot"), evenly).otherwise(category),
            chance.uniform("item", *page, place),
            evenly=F.col("is_bot"),
            at_jp=at_jp,
            last_days=F.col("last_days"),
        )

    drawn = F.array_distinct(F.transform(F.sequence(F.lit(1), F.col("impressions").cast("int")), draw))
    showings = pages.select("*", F.posexplode(drawn).alias("place", "item")).withColumn("position", F.col("place") + 1)
    is_hot = chance.happens(settings.hot_item_share, "hot item", *page, F.col("place").cast("bigint"))
    return showings.withColumn("is_hot", is_hot).withColumn(
        "item", F.when(F.col("is_hot"), F.lit(catalogue.hot_item).cast("bigint")).otherwise(F.col("item"))
    )


def _outcomes(showings: DataFrame, settings: SimulationSettings) -> DataFrame:
    """How far each showing leads: ``steps`` from impression to purchase, then ``returned`` and ``reviewed``."""
    chance, catalogue, item = Chance(settings.seed), Catalogue(settings), F.col("item")
    showing = (F.col("person_id"), F.col("slot"), F.col("page"), F.col("position").cast("bigint"))
    category = catalogue.category(item)
    liking = F.when(category == F.col("favourite_0"), _LIKING[0])
    for place in range(1, len(FAVOURITE_SHARES)):
        liking = liking.when(category == F.col(f"favourite_{place}"), _LIKING[place])
    queries = Queries(settings, F.col("search_id"), F.col("page_category"), F.lit(False))
    affordable = F.exp(-1.5 * F.abs(F.col("price_level") - catalogue.price_level(item)))
    appeal = F.least(
        0.6
        * liking.otherwise(_LIKING[-1])
        * affordable
        * (0.5 + 0.5 * catalogue.quality(item))
        * F.when(F.col("promotion").isNotNull(), 1.6).otherwise(1.0)
        * F.when(F.col("search_id").isNotNull(), query_match(queries, catalogue, item)).otherwise(1.0),
        F.lit(0.95),
    )
    seen = F.pow(F.col("position"), F.lit(_EXAMINATION))
    click = F.when(F.col("is_bot"), 0.5).otherwise(
        seen * F.when(F.col("is_hot"), _APPEAL_OF_HOT_ITEM).otherwise(F.col("appeal"))
    )
    is_person = ~F.col("is_bot")
    steps = (
        F.when(~chance.happens(click, "click", *showing), _IMPRESSION)
        .when(~(is_person & chance.happens(0.35, "cart", *showing)), _CLICK)
        .when(~chance.happens(0.55, "purchase", *showing), _CART)
        .otherwise(_PURCHASE)
    )
    bought = F.col("steps") == _PURCHASE
    disliked = 0.03 + 0.15 * (1 - catalogue.quality(item))
    step_back = F.when(F.col("is_bot"), 250).otherwise(1_000)
    impression_at = F.col("page_start") + chance.whole(step_back, "shown at", *showing)
    return (
        showings.withColumn(
            "time", impression_at + F.col("position") * F.when(F.col("is_bot"), _BOT_GAP).otherwise(1_500)
        )
        .withColumn("promotion", catalogue.promotion(item, F.floor((F.col("time") + settings.start_millisecond) / DAY)))
        .withColumn("appeal", appeal)
        .withColumn("steps", steps)
        .withColumn("returned", bought & chance.happens(disliked, "return", *showing))
        .withColumn("reviewed", bought & chance.happens(0.25, "review", *showing))
    )


def _told(outcomes: DataFrame, settings: SimulationSettings) -> DataFrame:
    """One row an event."""
    chance, catalogue, item = Chance(settings.seed), Catalogue(settings), F.col("item")
    showing = (F.col("person_id"), F.col("slot"), F.col("page"), F.col("position").cast("bigint"))
    step, is_search, is_later = F.col("step"), F.col("step") == _SEARCH, F.col("step") >= _RETURN
    on_page = step.isin(_IMPRESSION, _CLICK)
    none = F.array().cast("array<int>")
    steps = F.concat(
        F.when(F.col("search_id").isNotNull() & (F.col("position") == 1), F.array(F.lit(_SEARCH))).otherwise(none),
        F.sequence(F.lit(_IMPRESSION), F.col("steps")),
        F.when(F.col("returned"), F.array(F.lit(_RETURN))).otherwise(none),
        F.when(F.col("reviewed"), F.array(F.lit(_REVIEW))).otherwise(none),
    )
    # Later words of one person in one slot are all on one site: each site has slots of its own for them.
    slot = F.col("slot") + (2 + chance.whole(9, "days later", *showing, step)) * SLOTS_A_DAY
    later_slot = slot + F.pmod(F.col("site_number") - slot, F.lit(settings.sites))
    later_time = (
        F.col("slot_start")
        + ((F.col("later_slot") - F.col("slot")) * SLOT_MINUTES + _LATER_MINUTE) * MINUTE
        + chance.whole(_LATER_MINUTES * MINUTE, "later", *showing, step)
    )
    click = F.col("time") + F.when(F.col("is_bot"), 120).otherwise(3_000 + chance.whole(40_000, "click at", *showing))
    cart = click + 20_000 + chance.whole(70_000, "cart at", *showing)
    purchase = cart + 60_000 + chance.whole(240_000, "purchase at", *showing)
    at_time = (
        F.when(is_search, F.col("page_start"))
        .when(step == _IMPRESSION, F.col("time"))
        .when(step == _CLICK, click)
        .when(step == _CART, cart)
        .when(step == _PURCHASE, purchase)
        .otherwise(later_time)
    )
    visit = F.concat_ws("-", F.col("person_id"), F.coalesce(F.col("later_slot"), F.col("slot")))
    price = catalogue.price(item) * F.when(F.col("promotion").isNotNull(), 0.8).otherwise(1.0)
    opinion = 1 + 4 * (0.25 + 0.75 * catalogue.quality(item)) + 2.4 * (chance.uniform("rating", *showing) - 0.5)
    is_late = chance.happens(settings.late_rate, "late", F.col("event_id"))
    days_late = F.when(F.col("is_late"), 1 + chance.whole(3, "days late", F.col("event_id"))).otherwise(0)
    return (
        outcomes.withColumn("step", F.explode(steps))
        .withColumn("step", F.col("step").cast("bigint"))
        .withColumn("later_slot", F.when(is_later, later_slot))
        .withColumn("at", at_time)
        .where(F.col("at") < settings.days * DAY)
        .withColumn("event_id", chance.code("event", *showing, step))
        .withColumn("is_late", is_late)
        .withColumn("event_time", F.timestamp_millis(F.col("at") + settings.start_millisecond))
        .select(
            "event_id",
            "person_id",
            F.when(is_later, F.concat(visit, F.lit("-later"))).otherwise(visit).alias("session_key"),
            "is_bot",
            "is_late",
            at(TYPES, step).alias("event_type"),
            "event_time",
            F.date_add(F.to_date("event_time"), days_late.cast("int")).alias("arrival_day"),
            at([site.name for site in SITES], F.col("site_number")).alias("site"),
            F.when(is_later, "organic").otherwise(F.col("scene")).alias("scene"),
            F.when(is_search | on_page, F.col("search_id")).alias("search_id"),
            F.when(is_search, F.col("page_category")).alias("search_category"),
            F.when(~is_search, item).alias("item_number"),
            F.when(~is_search, catalogue.item_id(item)).alias("item_id"),
            F.when(on_page, F.col("position")).alias("position"),
            F.when(step.isin(_CART, _PURCHASE, _RETURN), 1 + F.floor(3 * F.pow(chance.uniform("pieces", *showing), 3)))
            .cast("int")
            .alias("quantity"),
            F.when(~is_search, F.round(price, 2)).alias("price"),
            F.when(~is_search & ~is_later, F.col("promotion")).alias("promotion"),
            F.when(step == _REVIEW, F.greatest(F.lit(1), F.least(F.lit(5), F.round(opinion - 0.6))))
            .cast("int")
            .alias("rating"),
        )
    )
