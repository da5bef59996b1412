"""Profiles, days and reviews to traits."""

from pyspark.sql import functions as F

from sparkrec.cleaning.titles import title_words
from sparkrec.features.bought_with import bought_with
from sparkrec.features.item_traits import item_traits
from sparkrec.features.sentiment import item_reviews, text_sentiments
from sparkrec.features.user_traits import active_hours, user_traits
from sparkrec.profiles.behaviour import is_purchase
from sparkrec.steps.context import Counts, JobContext
from sparkrec.text import is_longer

_PRIOR = 5.0
_BASKET_DAYS = 90
_NEIGHBOURS = 10


def run(context: JobContext) -> Counts:
    """Derive what compares a user or an item with others; profiles hold what hangs on one alone."""
    tables = context.tables
    until = F.col("event_date") <= F.lit(context.run_date)
    reviews, counts = None, Counts()
    if context.settings.source.reviews:
        longest = context.settings.source.texts.longest_review
        read = {"words": title_words(F.col("text"), longest), "is_cut": is_longer(F.col("text"), longest)}
        said = tables.read("silver.reviews").where(until).withColumns(read)
        said = said.select("event_id", "item_id", "rating", "words", "is_cut").localCheckpoint()
        if cut := said.where("is_cut").count():
            context.say(
                f"{cut:,} reviews are longer than source.texts.longest_review, {longest:,} characters: their beginning "
                "counts"
            )
            counts = {"cut_reviews": cut}
        reviews = item_reviews(said, text_sentiments(said, _PRIOR), _PRIOR)
    interactions = context.known_interactions()
    since = F.date_sub(F.lit(context.run_date), _BASKET_DAYS)
    baskets = interactions.where(is_purchase() & (F.col("event_date") > since))
    traits = item_traits(
        tables.read("gold.item_profiles"),
        tables.read("features.item_days").where(until),
        bought_with(baskets, _NEIGHBOURS),
        reviews,
    )
    counts |= {"items": tables.replace("features.item_traits", traits)}
    users = user_traits(
        tables.read("gold.user_profiles"),
        tables.read("features.user_days").where(until),
        active_hours(interactions),
        context.current_items(),
        tables.read("features.item_traits"),
    )
    return counts | {"users": tables.replace("features.user_traits", users)}
