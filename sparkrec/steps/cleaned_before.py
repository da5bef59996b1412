"""What an earlier run of the clean job left, and whether this one can go on from it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.cleaning.kept import INTERACTIONS, SEARCHES
from sparkrec.config import Settings
from sparkrec.config.privacy_key import privacy_key
from sparkrec.contracts import load_contract
from sparkrec.errors import DataError
from sparkrec.steps.context import JobContext
from sparkrec.steps.runs import JobRun

REVIEWS = "silver.reviews"


@dataclass(frozen=True)
class CleanedBefore:
    """The last finished run of the clean job, and the batches of lines that it knew."""

    run: JobRun
    batches: frozenset[str]


def definition(settings: Settings) -> str:
    """What decides which rows are made of a line: digests of source file and rules, and of the key of ids."""
    source, privacy = settings.source, settings.privacy
    rules = [load_contract(table).model_dump(mode="json") for table in (INTERACTIONS, SEARCHES, REVIEWS)]
    # Where files lie decides nothing: a moved folder is no other source.
    own = source.model_dump(mode="json", exclude={"landing": True, "lookups": {"__all__": {"landing"}}})
    text = json.dumps([own, rules], sort_keys=True)
    key = privacy_key(privacy) if privacy.pseudonymise else b""
    return f"{_digest(text.encode())} {_digest(b'the key of ids is ' + key)}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def cleaned_before(context: JobContext, jobs: Sequence[str], other_rules: bool = False) -> CleanedBefore | None:
    """The last finished run of these jobs, with the tables as it left them.

    Tables that a run which did not finish has changed are put back.

    Args:
        context: The job's surroundings.
        jobs: Jobs that clean.
        other_rules: Whether the run may have gone by another source file or other rules.

    Returns:
        None where this run cannot go on from it: its `definition` or its lookups were others, or somebody was
        forgotten, so that earlier versions are gone.
    """
    tables, source = context.tables, context.settings.source
    runs = [run for run in context.runs(jobs) if INTERACTIONS in run.outputs]
    if not runs:
        return None
    run = max(runs, key=lambda run: run.started_at)
    was, is_ = (run.definition or "").split(), definition(context.settings).split()
    if was[-1:] != is_[-1:] or (was != is_ and not other_rules):
        return None
    for lookup in [f"bronze.{source.of_lookup(name).name}" for name in source.lookups]:
        tables.read(lookup)
        if run.inputs.get(lookup) != tables.read_versions[lookup]:
            return None
    bronze = f"bronze.{source.name}"
    try:
        batches = tables.read(bronze, run.inputs[bronze]).select("_batch_id").distinct().collect()
    except (DataError, Py4JJavaError, PySparkException):
        return None
    if not all(tables.put_back(table, version) for table, version in run.outputs.items()):
        return None
    return CleanedBefore(run, frozenset(row._batch_id for row in batches))


def landed_since(bronze: DataFrame, before: CleanedBefore) -> DataFrame | None:
    """Lines of batches that landed since; None if there are none."""
    batches = bronze.groupBy("_batch_id").agg(F.min("_ingested_at").alias("at")).collect()
    new = {row._batch_id: row.at for row in batches if row._batch_id not in before.batches}
    if not new:
        return None
    # Delta knows when each file's lines were ingested, and passes over older files.
    return bronze.where((F.col("_ingested_at") >= F.lit(min(new.values()))) & F.col("_batch_id").isin([*new]))
