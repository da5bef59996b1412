"""Copies of landing files that Spark cannot read as they are: unpacked, and in UTF-8."""

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd
from pyspark.sql import SparkSession

from sparkrec.config.settings import LandingSettings
from sparkrec.file_systems import open_file_system
from sparkrec.landing.probe import bom_of, decoded, encoding_of, packing, unpacked

_CHUNK, _HEAD = 1 << 20, 1 << 12


def restage(spark: SparkSession, files: LandingSettings, uris: list[str], folder: str) -> dict[str, str]:
    """Write a copy of each file on the executors, a chunk in memory at a time; the copy's URI by the file's.

    Args:
        spark: The session.
        files: How the files are written.
        uris: The files.
        folder: Where the copies lie; the caller removes it.
    """
    copies = {uri: f"{folder}/{number}.{files.format}" for number, uri in enumerate(uris)}

    def copied(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            for uri, to in zip(batch["uri"], batch["copy"], strict=True):
                _copy(uri, to, files.options)
            yield batch

    if copies:
        rows = spark.createDataFrame(list(copies.items()), "uri string, copy string")
        slices = min(len(copies), spark.sparkContext.defaultParallelism)
        rows.repartition(slices).mapInPandas(copied, "uri string, copy string").count()
    return copies


def _copy(uri: str, to: str, options: Mapping[str, str]) -> None:
    with unpacked(uri, None) as stream:
        packed = packing(stream.read(_HEAD))
    with unpacked(uri, packed) as stream:
        encoding = encoding_of(options) or bom_of(stream.read(_HEAD)) or "utf-8"
    file_system, path = open_file_system(to)
    file_system.create_dir(path.rpartition("/")[0], recursive=True)
    with decoded(uri, packed, encoding) as text, file_system.open_output_stream(path) as copy:
        while chunk := text.read(_CHUNK):
            copy.write(chunk.encode("utf-8", "replace"))
