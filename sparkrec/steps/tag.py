"""Users and items in words."""

import hashlib

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.features.descriptions import from_words, from_written, prompt
from sparkrec.steps.context import Counts, JobContext
from sparkrec.text_models.on_executors import written
from sparkrec.text_models.presets import preset_folder

_TAGS = 10


def run(context: JobContext) -> Counts:
    """Describe each user and item; a language model writes only for whom the words have changed.

    Raises:
        ConfigurationError: There is no such preset.
    """
    tables = context.tables
    interests = tables.read("features.user_interests").select("user_id", F.col("tags").alias("words"))
    titles = tables.read("features.item_text").select("item_id", F.slice("words", 1, _TAGS).alias("words"))
    if context.settings.language_model.preset is None:
        return {
            "users": tables.replace("features.user_descriptions", from_words(interests)),
            "items": tables.replace("features.item_descriptions", from_words(titles)),
        }
    # Here, and not in a task, a mistake is told plainly.
    preset_folder(context.settings.language_model.preset, "language_model.preset")
    users = _by_language_model(context, "features.user_descriptions", "user_id", interests)
    return users | _by_language_model(context, "features.item_descriptions", "item_id", titles)


def _by_language_model(context: JobContext, table: str, key: str, words: DataFrame) -> Counts:
    """Write descriptions by the language model; those of the same words and model stay."""
    settings, tables = context.settings.language_model, context.tables
    model = hashlib.sha256(settings.model_dump_json(exclude={"batch_size", "most"}).encode()).hexdigest()[:12]
    asked = words.where(F.size("words") > 0).orderBy(F.xxhash64(key), key).limit(settings.most)
    stay = None
    if tables.exists(table):
        known = tables.read(table).where(F.col("written_by") == F.lit(model))
        stay = known.join(asked, [key, "words"], "left_semi")
        asked = asked.join(known, [key, "words"], "left_anti")
    # What is counted is not to be found anew.
    asked = asked.withColumn("text", prompt(settings.instruction, F.col("words"))).localCheckpoint()
    texts = written(asked.select("text").distinct(), settings)
    new = from_written(asked.join(texts, "text", "inner").drop("text"), model, _TAGS)
    by_model = new if stay is None else new.unionByName(stay.select(new.columns))
    by_model = by_model.localCheckpoint()
    rest = from_words(words.join(by_model, key, "left_anti"))
    kind = key.removesuffix("_id") + "s"
    return {f"{kind}_written": asked.count(), kind: tables.replace(table, by_model.unionByName(rest))}
