"""Copies of landing files that Spark cannot read as they are: unpacked, and in UTF-8."""

from collections.abc import Iterable, Iterator, Mapping

import pandas as pd
from pyspark.sql import SparkSession

from sparkrec.config.settings import LandingSettings
from sparkrec.file_systems import open_file_system
from sparkrec.landing.probe import Probe, bom_of, bounded_lines, encoding_of, packing, unpacked

_HEAD = 1 << 12


def restage(spark: SparkSession, files: LandingSettings, probes: Mapping[str, Probe], folder: str) -> dict[str, str]:
    """Write a copy of each file on the executors, a line in memory at a time; the copy's URI by the file's.

    In the place of a line that is too long the copy has one that says so.

    Args:
        spark: The session.
        files: How the files are written.
        probes: What the files are.
        folder: Where the copies lie; the caller removes it.
    """
    copies = {uri: f"{folder}/{number}.{files.format}" for number, uri in enumerate(probes)}
    columns = {uri: len(probe.columns or ()) for uri, probe in probes.items()}
    whole = files.model_copy(update={"longest_line": max(files.longest_line, files.largest_document)})
    read_by = {uri: whole if probe.multiline else files for uri, probe in probes.items()}

    def copied(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            for uri, to in zip(batch["uri"], batch["copy"], strict=True):
                _copy(uri, to, read_by[uri], columns[uri])
            yield batch

    if copies:
        rows = spark.createDataFrame(list(copies.items()), "uri string, copy string")
        slices = min(len(copies), spark.sparkContext.defaultParallelism)
        rows.repartition(slices).mapInPandas(copied, "uri string, copy string").count()
    return copies


def _copy(uri: str, to: str, files: LandingSettings, columns: int) -> None:
    with unpacked(uri, None) as stream:
        packed = packing(stream.read(_HEAD))
    with unpacked(uri, packed) as stream:
        encoding = encoding_of(files.options) or bom_of(stream.read(_HEAD)) or "utf-8"
    file_system, path = open_file_system(to)
    file_system.create_dir(path.rpartition("/")[0], recursive=True)
    with (
        bounded_lines(uri, packed, encoding, files, columns) as lines,
        file_system.open_output_stream(path, compression=None) as copy,
    ):
        for piece in lines:
            copy.write(piece.encode("utf-8", "replace"))
