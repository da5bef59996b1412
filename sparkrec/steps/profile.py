"""Clean events to user and item profiles."""

from sparkrec.cleaning.item_versions import current_items
from sparkrec.profiles.items import item_profiles
from sparkrec.profiles.users import user_profiles
from sparkrec.steps.context import Counts, JobContext


def run(context: JobContext) -> Counts:
    """Describe every user and item as of the run's day."""
    # Both profiles read these columns of all events.
    interactions = context.known_interactions().persist()
    items = current_items(context.tables.read("silver.items"))
    said = context.tables.read("silver.users") if context.settings.source.users else None
    users = user_profiles(interactions, items, context.run_date, said)
    catalogue = item_profiles(interactions, items, context.run_date)
    try:
        return {
            "users": context.tables.replace("gold.user_profiles", users),
            "items": context.tables.replace("gold.item_profiles", catalogue),
        }
    finally:
        interactions.unpersist()
