"""Clean events to user and item profiles."""

import hashlib
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta

from pyspark.sql import DataFrame

from sparkrec.cleaning.item_versions import current_items
from sparkrec.config import Settings
from sparkrec.contracts import load_contract
from sparkrec.lake.days import is_of_days
from sparkrec.profiles.days import item_days, user_days
from sparkrec.profiles.dirty import buyers_of_changed_items, days_that_leave, dirty_keys, of_dirty, of_others
from sparkrec.profiles.items import (
    ITEM_WINDOWS,
    facts_of_item_profiles,
    item_buyers,
    item_facts,
    item_profiles,
    with_other_users,
)
from sparkrec.profiles.users import USER_WINDOWS, facts_of_user_profiles, user_facts, user_profiles
from sparkrec.steps.context import Counts, JobContext
from sparkrec.steps.kept import kept
from sparkrec.steps.runs import JobRun

_EVENTS, _ITEMS, _USERS = "silver.interactions", "silver.items", "silver.users"
_USER_DAYS, _ITEM_DAYS = "features.user_days", "features.item_days"
_USER_PROFILES, _ITEM_PROFILES = "gold.user_profiles", "gold.item_profiles"
_WRITTEN = (_USER_DAYS, _ITEM_DAYS, _USER_PROFILES, _ITEM_PROFILES)
# To be raised with every change of what a row of these tables says.
_EDITION = 2
# Of all days: where more have changed, to add up all profiles anew is no more work.
_MAX_CHANGED = 0.5

_Facts = tuple[DataFrame, DataFrame, DataFrame]


@dataclass(frozen=True)
class _Increment:
    """What has changed since the last finished run.

    Attributes:
        run: That run.
        before: The day up to which it knew events.
        days: Days whose events were replaced since, or have come to be known.
    """

    run: JobRun
    before: date
    days: Collection[date]


def definition(settings: Settings) -> str:
    """Digest of what a row of the tables says; settings have no part in it."""
    contracts = [load_contract(table).model_dump_json() for table in _WRITTEN]
    return hashlib.sha256("\n".join([str(_EDITION), *contracts]).encode()).hexdigest()[:12]


def run(context: JobContext) -> Counts:
    """Describe every user and item as of the run's day.

    Days that have changed since the last finished run are added up anew, and the profiles of whoever did anything on
    such a day, or on one that a window no longer looks back to; the others stay. Where nothing can be gone on
    from, all days have changed.
    """
    tables = context.tables
    events, items = context.known_interactions(), context.current_items()
    said = tables.read(_USERS) if context.settings.source.users else None
    increment = _increment(context)
    if increment and not increment.days and _is_as_it_was(context, increment):
        for table in _WRITTEN:
            tables.keep(table)
        return increment.run.counts
    if increment and not increment.days:
        tables.keep(_USER_DAYS)
        tables.keep(_ITEM_DAYS)
    elif increment:
        changed = events.where(is_of_days("event_date", increment.days))
        tables.replace_days(_USER_DAYS, user_days(changed), increment.days)
        tables.replace_days(_ITEM_DAYS, item_days(changed), increment.days)
    else:
        tables.replace(_USER_DAYS, user_days(events))
        tables.replace(_ITEM_DAYS, item_days(events))
    with ExitStack() as stack:
        facts = _facts_after(context, increment, items, stack) if increment else _facts(context, items, stack)
        users_facts, items_facts, buyers = facts
        users = user_profiles(users_facts, context.run_date, said)
        catalogue = item_profiles(items_facts, buyers, items, context.run_date)
        return {
            "users": tables.replace(_USER_PROFILES, users),
            "items": tables.replace(_ITEM_PROFILES, catalogue),
        }


def _increment(context: JobContext) -> _Increment | None:
    """What has changed since the last finished run; None where that run's tables cannot be gone on from."""
    tables = context.tables
    run = next(iter(context.runs(["profile"])), None)
    if run is None or run.run_date is None or run.run_date > context.run_date:
        return None
    if run.definition != definition(context.settings) or not {_EVENTS, _ITEMS} <= run.inputs.keys():
        return None
    # A run that was killed may have left others; so does `sparkrec forget`.
    if any(tables.version_of_rows(table) != run.outputs.get(table, -1) for table in _WRITTEN):
        return None
    replaced = tables.days_replaced(_EVENTS, run.inputs[_EVENTS])
    if replaced is None or not tables.has_version(_ITEMS, run.inputs[_ITEMS]):
        return None
    come = {run.run_date + timedelta(after) for after in range(1, (context.run_date - run.run_date).days + 1)}
    days = come | {day for day in replaced if day <= context.run_date}
    if days:
        known = tables.read(_ITEM_DAYS).select("event_date").distinct()
        if len(days) > _MAX_CHANGED * len({row.event_date for row in known.collect()} | days):
            return None
    return _Increment(run, run.run_date, days)


def _is_as_it_was(context: JobContext, increment: _Increment) -> bool:
    """Whether the run has the day and the versions of the last one."""
    return increment.before == context.run_date and all(
        increment.run.inputs.get(table) == version for table, version in context.tables.read_versions.items()
    )


def _facts(context: JobContext, items: DataFrame, stack: ExitStack) -> _Facts:
    """Facts of all users, facts of all items, and the items' buyers, from all days."""
    by_user, by_item = context.tables.read(_USER_DAYS), context.tables.read(_ITEM_DAYS)
    return (
        stack.enter_context(kept(user_facts(by_user, items, context.run_date))),
        stack.enter_context(kept(item_facts(by_item, context.run_date))),
        item_buyers(by_user, context.run_date),
    )


def _facts_after(context: JobContext, increment: _Increment, items: DataFrame, stack: ExitStack) -> _Facts:
    """The same as they were after the last run, but for what the increment touches."""
    tables, as_of, before, outputs = context.tables, context.run_date, increment.before, increment.run.outputs
    by_user, by_item = tables.read(_USER_DAYS), tables.read(_ITEM_DAYS)
    by_user_before, by_item_before, users_before, items_before = (tables.read(name, outputs[name]) for name in _WRITTEN)
    replaced = is_of_days("event_date", increment.days)

    def leave(windows: Sequence[int]) -> str:
        return f"purchases > 0 and {is_of_days('event_date', days_that_leave(windows, before, as_of))}"

    in_days = [by_user_before.where(replaced), by_user.where(replaced), by_user.where(leave(USER_WINDOWS))]
    if tables.read_versions[_ITEMS] != increment.run.inputs[_ITEMS]:
        version, longest = increment.run.inputs[_ITEMS], context.settings.source.texts.longest_title
        described_before = current_items(tables.read(_ITEMS, version), longest)
        in_days.append(buyers_of_changed_items(by_user, described_before, items))
    users = stack.enter_context(kept(dirty_keys("user_id", *in_days)))
    in_days = [by_item_before.where(replaced), by_item.where(replaced), by_item.where(leave(ITEM_WINDOWS))]
    catalogue = stack.enter_context(kept(dirty_keys("item_id", *in_days)))

    days_of_users = of_dirty(by_user, "user_id", users)
    users_facts = stack.enter_context(kept(user_facts(days_of_users, items, as_of)))
    items_facts = stack.enter_context(kept(item_facts(of_dirty(by_item, "item_id", catalogue), as_of)))
    return (
        users_facts.unionByName(of_others(facts_of_user_profiles(users_before), "user_id", users)),
        items_facts.unionByName(of_others(facts_of_item_profiles(items_before), "item_id", catalogue)),
        with_other_users(
            items_before,
            was=item_buyers(of_dirty(by_user_before, "user_id", users), before),
            is_=item_buyers(days_of_users, as_of),
        ),
    )
