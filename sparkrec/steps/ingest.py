"""Landing files to bronze."""

import hashlib

from pyspark.sql import functions as F

from sparkrec.cleaning.forgotten import without_forgotten
from sparkrec.lake.files import sha256_of_files
from sparkrec.lake.landing import landing_files, read_landing, short_names, unreadable_files
from sparkrec.steps.context import Counts, JobContext


def run(context: JobContext) -> Counts:
    """Append the lines of files whose bytes are not in bronze yet, in one commit."""
    source = context.settings.source
    table = f"bronze.{source.name}"
    uris = landing_files(source)
    batch_of = {uri: digest[:16] for uri, digest in sha256_of_files(context.spark, uris).items()}
    landed: set[str] = set()
    if context.tables.exists(table):
        landed = {row._batch_id for row in context.tables.read(table).select("_batch_id").distinct().collect()}
    new: dict[str, str] = {}
    for uri in uris:
        if batch_of[uri] not in landed and batch_of[uri] not in new.values():
            new[uri] = batch_of[uri]
    rows = 0
    if new:
        lines = read_landing(context.spark, source, list(new))
        if context.tables.exists("private.forgotten"):
            forgotten = context.tables.read("private.forgotten")
            lines = without_forgotten(lines, source.interactions, forgotten)
        names = {name: new[uri] for uri, name in short_names(list(new)).items()}
        batch = F.element_at(
            F.create_map(*[F.lit(text) for pair in names.items() for text in pair]), F.col("_source_file")
        )
        stamped = lines.withColumns({"_batch_id": batch, "_ingested_at": F.current_timestamp()})
        delivery = hashlib.sha256(" ".join(sorted(new.values())).encode()).hexdigest()
        with unreadable_files(source):
            rows = context.tables.append(table, stamped, transaction=f"ingest {delivery}")
    return {"files": len(uris), "new_files": len(new), "new_lines": rows}
