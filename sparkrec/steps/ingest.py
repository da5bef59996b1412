"""Landing files to bronze."""

import hashlib
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.cleaning.expressions import check_source
from sparkrec.cleaning.forgotten import without_forgotten
from sparkrec.cleaning.labels import lost_columns
from sparkrec.cleaning.lookups import ambiguous_keys
from sparkrec.config.settings import SourceSettings
from sparkrec.errors import DataError
from sparkrec.lake.files import sha256_of_files
from sparkrec.lake.landing import (
    LANDING_COLUMNS,
    landing_files,
    own_columns,
    read_landing,
    unreadable_files,
)
from sparkrec.steps.context import Counts, JobContext


def run(context: JobContext) -> Counts:
    """Append the lines of files whose bytes are not in bronze yet, in one commit; lookups are taken as they are now.

    Raises:
        ConfigurationError: An expression of the source file is none, or tells of more than a line.
    """
    source = context.settings.source
    check_source(context.spark, source)
    counts = _ingest_lines(context)
    for name in source.lookups:
        counts |= _ingest_lookup(context, name)
    return counts


def _ingest_lines(context: JobContext) -> Counts:
    source = context.settings.source
    table = f"bronze.{source.name}"
    batch_of, landed = _batches(context, source)
    new: dict[str, str] = {}
    for uri, batch in batch_of.items():
        if batch not in landed and batch not in new.values():
            new[uri] = batch
    rows = 0
    if new:
        stamped = _stamped(context, source, new, is_personal=True)
        if context.tables.exists(table):
            _check_drift(context, stamped, context.tables.read(table).columns)
        delivery = hashlib.sha256(" ".join(sorted(new.values())).encode()).hexdigest()
        with unreadable_files(source):
            rows = context.tables.append(table, stamped, transaction=f"ingest {delivery}")
    return {"files": len(batch_of), "new_files": len(new), "new_lines": rows}


def _ingest_lookup(context: JobContext, name: str) -> Counts:
    """Put the lookup's files in the place of what bronze has, where their bytes differ.

    Raises:
        DataError: There are none, they cannot be read, or lack the key.
    """
    lookup, source = context.settings.source.lookups[name], context.settings.source.of_lookup(name)
    table = f"bronze.{source.name}"
    batch_of, landed = _batches(context, source)
    if landed == set(batch_of.values()):
        return {}
    rows = _stamped(context, source, batch_of, lookup.personal)
    if missing := [column for column in lookup.needed() if column not in rows.columns]:
        told, what = ", ".join(own_columns(rows.columns)), "key" if missing[0] in lookup.key else "property or value"
        raise DataError(
            f"lookup {name}: {source.landing} has no {', '.join(missing)}, which is its {what}; it has {told}"
        )
    with unreadable_files(source):
        counts = {f"{name}_rows": context.tables.replace(table, rows)}
    ambiguous = ambiguous_keys(context.tables.read(table).drop(*LANDING_COLUMNS), lookup)
    if ambiguous:
        context.say(f"lookup {name}: {ambiguous:,} keys with rows that differ; the smallest of them counts")
    return counts


def _batches(context: JobContext, source: SourceSettings) -> tuple[dict[str, str], set[str]]:
    """The batch of each landing file, in the order of their names, and the batches that bronze holds."""
    table, uris = f"bronze.{source.name}", landing_files(source)
    digests = sha256_of_files(context.spark, uris)
    landed: set[str] = set()
    if context.tables.exists(table):
        landed = {row._batch_id for row in context.tables.read(table).select("_batch_id").distinct().collect()}
    return {uri: digests[uri][:16] for uri in uris}, landed


def _check_drift(context: JobContext, lines: DataFrame, earlier: Sequence[str]) -> None:
    """Say which columns the new files have and lack beside those before them.

    Raises:
        DataError: They lack one that the source file uses. Lines of JSON may leave out what is missing.
    """
    source = context.settings.source
    added = [name for name in lines.columns if name not in earlier]
    lost = lost_columns(lines, earlier, source)
    told = f"new files have the new columns {', '.join(added)}" if added else "new files have no new columns"
    needed = [name for name in lost if name not in source.optional]
    if needed and source.format != "jsonl":
        raise DataError(
            f"source {source.name}: new files lack {', '.join(needed)}, which the source file uses; {told}: "
            "mend the files, or use new columns in the source file, and name those that files may lack `optional`"
        )
    if added:
        context.say(told)
    if lost:
        context.say(f"no new line has {', '.join(lost)}: taken as missing")


def _stamped(context: JobContext, source: SourceSettings, batch_of: Mapping[str, str], is_personal: bool) -> DataFrame:
    """The lines of the files, with the batch of each; those of forgotten people are left out where there may be any."""
    lines = read_landing(context.spark, source, batch_of)
    if is_personal and context.tables.exists("private.forgotten"):
        lines = without_forgotten(lines, source.interactions, context.tables.read("private.forgotten"))
    return lines.withColumn("_ingested_at", F.current_timestamp())
