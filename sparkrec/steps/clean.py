"""Bronze lines to clean events, items and quarantine."""

from pyspark import StorageLevel
from pyspark.sql import Column, Observation
from pyspark.sql import functions as F

from sparkrec.cleaning.duplicates import drop_exact_duplicates
from sparkrec.cleaning.item_versions import ATTRIBUTES, item_versions
from sparkrec.cleaning.mapping import check_expressions, given, interaction_columns, unreadable_columns
from sparkrec.cleaning.refusals import reason_set
from sparkrec.cleaning.titles import tidy_text
from sparkrec.contracts import load_contract
from sparkrec.contracts.spark import broken_rules, names_where
from sparkrec.errors import DataError
from sparkrec.lake.landing import LANDING_COLUMNS, UNREADABLE_LINE
from sparkrec.steps.context import Counts, JobContext

_ITEM = "_item"
_ROW = "_row"


def run(context: JobContext) -> Counts:
    """Label each different line with all reasons against it, and put it into silver or into quarantine.

    Raises:
        ConfigurationError: An expression of the source file does not fit the landed columns.
        DataError: No event has a user, or landed = kept + duplicates + refused does not hold.
    """
    source = context.settings.source
    lines = context.tables.read(f"bronze.{source.name}")
    for section, expressions in (
        ("interactions", given(source.interactions)),
        ("items", given(source.items)),
        ("refuse", source.refuse),
    ):
        check_expressions(lines, section, expressions)
    contract = load_contract("silver.interactions")

    seen = Observation("copies")
    different = drop_exact_duplicates(lines, LANDING_COLUMNS).observe(
        seen, F.sum("copies").alias("landed"), F.sum(F.col("copies") - 1).alias("duplicates")
    )
    canonical = interaction_columns(source.interactions, contract, source.name)
    own = [name for name in lines.columns if name not in LANDING_COLUMNS]
    shown = [F.col(f"`{name}`") for name in own if name not in source.personal]
    conditions: dict[str, Column] = {}
    if UNREADABLE_LINE in own:
        conditions["line_unreadable"] = F.col(UNREADABLE_LINE).isNotNull()
    conditions |= {reason: F.expr(condition) for reason, condition in source.refuse.items()}
    conditions |= unreadable_columns(source.interactions, contract)
    item = F.struct(*[_item_attribute(given(source.items).get(name)).alias(name) for name in ATTRIBUTES])
    labelled = (
        different.select(
            *[column.alias(name) for name, column in canonical.items()],
            item.alias(_ITEM),
            F.to_json(F.struct(*shown)).alias(_ROW),
            names_where(conditions).alias("_source_reasons"),
            "row_id",
            "_batch_id",
        )
        .withColumn("reasons", F.concat("_source_reasons", broken_rules(contract)))
        # Read three times: events, items, quarantine.
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    try:
        kept = labelled.where(F.size("reasons") == 0)
        refused = labelled.where(F.size("reasons") > 0)
        sightings = kept.select("item_id", "event_time", "unit_price", f"{_ITEM}.*")
        items = item_versions(sightings).withColumn("source", F.lit(source.name))
        counts = {
            "kept": context.tables.replace("silver.interactions", kept.select(*canonical)),
            "item_versions": context.tables.replace("silver.items", items),
            "refused": context.tables.replace(
                "silver.quarantine",
                refused.select(
                    F.lit("silver.interactions").alias("table"),
                    F.lit(source.name).alias("source"),
                    F.col("_batch_id").alias("batch_id"),
                    "row_id",
                    F.col(_ROW).alias("row"),
                    "reasons",
                    F.lit("refused").alias("status"),
                ),
            ),
        }
        if counts["kept"] and kept.where("user_id is not null").isEmpty():
            raise DataError(
                f"{source.name}: none of {counts['kept']:,} events has a user: mend interactions.user_id of the source"
            )
        by_reason = refused.groupBy(reason_set(F.col("reasons")).alias("reasons")).count().collect()
    finally:
        labelled.unpersist()
    landed, duplicates = int(seen.get["landed"] or 0), int(seen.get["duplicates"] or 0)
    if landed != counts["kept"] + duplicates + counts["refused"]:
        raise DataError(
            f"{source.name}: {landed:,} lines landed, but {counts['kept']:,} kept + {duplicates:,} duplicates + "
            f"{counts['refused']:,} refused are not that many"
        )
    refusals = {f"refused.{row.reasons}": int(row["count"]) for row in sorted(by_reason)}
    return {"landed": landed, "duplicates": duplicates, **counts, **refusals}


def _item_attribute(expression: str | None) -> Column:
    return tidy_text(F.expr(expression).cast("string")) if expression else F.lit(None).cast("string")
