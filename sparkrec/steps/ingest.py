"""Landing files to bronze."""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec.cleaning.expressions import check_source
from sparkrec.cleaning.forgotten import check_personal, without_forgotten
from sparkrec.cleaning.labels import used_columns
from sparkrec.cleaning.lookups import ambiguous_keys, lookup_rows
from sparkrec.config.settings import SourceSettings
from sparkrec.errors import DataError
from sparkrec.lake import files
from sparkrec.landing.batches import batches_of
from sparkrec.landing.columns import LANDING_COLUMNS, UNREADABLE_LINE, landed_names, listed, own_columns
from sparkrec.landing.find import LandingFile, absent_folders, landing_files, searched_folders, short_names
from sparkrec.landing.probe import Probe, check_encoding, probe_files
from sparkrec.landing.read import Delivered, UnreadableFileError, read_landing, unreadable_files
from sparkrec.landing.restage import restage
from sparkrec.steps.context import Counts, JobContext

_SHOWN = 3


def run(context: JobContext) -> Counts:
    """Append the lines of files whose bytes are not in bronze yet, in one commit; lookups are taken as they are now.

    Raises:
        ConfigurationError: An expression of the source file is none, or tells of more than a line.
        DataError: There is no file at all, or one is bad and the source says nothing of skipping it.
    """
    source = context.settings.source
    check_source(context.spark, source)
    # What a line says of its user may stand in a lookup.
    of_lookups: Counts = {}
    for name in source.lookups:
        of_lookups |= _ingest_lookup(context, name)
    return _ingest_lines(context) | of_lookups


def _ingest_lines(context: JobContext) -> Counts:
    source = context.settings.source
    table = f"bronze.{source.name}"
    found = landing_files(source)
    # Files that have landed may be archived; where there is not even a folder, its name is wrong or it is not mounted.
    if not found and (absent_folders(source) or not context.tables.exists(table)):
        raise _nothing(source)
    batch_of, landed = _batches(context, source, found)
    new: dict[str, LandingFile] = {}
    for file in found:
        if batch_of[file.uri] not in landed:
            new.setdefault(batch_of[file.uri], file)
    earlier = context.tables.read(table).columns if context.tables.exists(table) else None
    delivery = _Delivery(context, source, {file: batch for batch, file in new.items()}, earlier)
    rows = delivery.land(lambda lines, name: context.tables.append(table, lines, transaction=f"ingest {name}"))
    if not rows and not context.tables.exists(table):
        raise DataError(f"source {source.name}: no line in {len(found):,} files at {searched_folders(source)}")
    few = {"skipped_files": delivery.skipped, "too_long_lines": delivery.too_long}
    counts = {"files": len(found), "new_files": len(new), "new_lines": rows}
    return counts | {name: number for name, number in few.items() if number}


def _nothing(source: SourceSettings) -> DataError:
    return DataError(
        f"source {source.name}: no file at {source.landing}: mend `landing` in the source file "
        f"(searched: {searched_folders(source)}; a relative path starts at the source file's folder)"
    )


def _ingest_lookup(context: JobContext, name: str) -> Counts:
    """Put the lookup's files in the place of what bronze has, where their bytes differ.

    Raises:
        DataError: There are none, they cannot be read, or lack a column that the lookup names.
    """
    lookup, source = context.settings.source.lookups[name], context.settings.source.of_lookup(name)
    table = f"bronze.{source.name}"
    found = landing_files(source)
    if not found:
        raise _nothing(source)
    batch_of, landed = _batches(context, source, found)
    if landed == set(batch_of.values()):
        return {}
    delivery = _Delivery(context, source, {file: batch_of[file.uri] for file in found}, None, lookup.personal)

    def replace(rows: DataFrame, _: str) -> int:
        if missing := [column for column in lookup.needed() if column not in rows.columns]:
            told = listed(own_columns(rows.columns))
            what = "key" if missing[0] in lookup.key else "property or value"
            raise DataError(
                f"lookup {name}: {source.landing} has no {', '.join(missing)}, which is its {what}; it has {told}"
            )
        if lookup.personal:
            check_personal(rows, source)
        return context.tables.replace(table, rows)

    counts = {f"{name}_rows": delivery.land(replace)}
    ambiguous = ambiguous_keys(context.tables.read(table).drop(*LANDING_COLUMNS), lookup)
    if ambiguous:
        context.say(f"lookup {name}: {ambiguous:,} keys with rows that differ; the smallest of them counts")
    return counts


def _batches(
    context: JobContext, source: SourceSettings, found: Sequence[LandingFile]
) -> tuple[dict[str, str], set[str]]:
    """The batch of each landing file by its URI, and the batches that bronze holds."""
    table = f"bronze.{source.name}"
    batches = batches_of(context.spark, found, by_name="_source_file" in used_columns(context.spark, source))
    landed: set[str] = set()
    if context.tables.exists(table):
        landed = {row._batch_id for row in context.tables.read(table).select("_batch_id").distinct().collect()}
    return batches, landed


class _Delivery:
    """New files of a source, on their way to bronze.

    Args:
        context: The job's surroundings.
        source: The source, or a lookup's.
        batch_of: The batch of each file.
        earlier: Columns that bronze has of earlier files; None of a table that is replaced or does not exist yet.
        is_personal: Whether lines of forgotten people are to be left out.

    Attributes:
        skipped: Bad files that were set aside.
        too_long: Lines of the files that landed which are longer than they may be.
    """

    def __init__(
        self,
        context: JobContext,
        source: SourceSettings,
        batch_of: Mapping[LandingFile, str],
        earlier: Sequence[str] | None,
        is_personal: bool = True,
    ) -> None:
        self._context, self._source, self._batch_of = context, source, batch_of
        self._earlier, self._is_personal = earlier, is_personal
        self.skipped = self.too_long = 0

    def land(self, write: Callable[[DataFrame, str], int]) -> int:
        """Hand the lines to ``write``, with a name that these files alone have; the rows written.

        Raises:
            DataError: A file is bad, and the source does not say that such are skipped.
        """
        check_encoding(self._source)
        uris = [file.uri for file in self._batch_of]
        probes = probe_files(self._context.spark, self._source, uris)
        bad = {file: trouble for file in self._batch_of if (trouble := probes[file.uri].trouble)}
        good = [file for file in self._batch_of if file not in bad]
        self._say_odd({file: probes[file.uri] for file in good})
        good = [file for file in good if not probes[file.uri].empty]
        bad |= self._without_needed(good, probes)
        self._set_aside(bad)
        good = [file for file in good if file not in bad]
        while good:
            try:
                rows = self._write(good, probes, write)
                self.too_long = sum(probes[file.uri].too_long for file in good)
                return rows
            except UnreadableFileError as error:
                broken = {file: str(error) for file in good if file.uri == error.uri}
                if self._source.on_bad_file == "refuse" or not broken:
                    raise
                self._set_aside(broken)
                good = [file for file in good if file not in broken]
        return 0

    def _write(
        self, good: Sequence[LandingFile], probes: Mapping[str, Probe], write: Callable[[DataFrame, str], int]
    ) -> int:
        context, source = self._context, self._source
        folder = context.tables.restaged
        # A run that was killed may have left some.
        files.delete_folder(folder)
        try:
            odd = {file.uri: probes[file.uri] for file in good if probes[file.uri].restaged}
            opened = restage(context.spark, source, odd, folder)
            delivered = [
                Delivered(file, probes[file.uri], self._batch_of[file], opened.get(file.uri, file.uri)) for file in good
            ]
            lines = read_landing(context.spark, source, delivered)
            if not self._earlier and {*own_columns(lines.columns)} == {UNREADABLE_LINE}:
                raise DataError(
                    f"source {source.name}: no line of {len(delivered):,} files at {searched_folders(source)} is an "
                    "object of JSON: mend `format` in the source file, or the files"
                )
            if self._earlier is not None:
                self._check_width(lines)
                self._say_drift(lines)
            if self._is_personal and context.tables.exists("private.forgotten"):
                forgotten = context.tables.read("private.forgotten")
                lines = without_forgotten(lines, source, lookup_rows(source, context.tables.read), forgotten)
            name = hashlib.sha256(" ".join(sorted(one.batch for one in delivered)).encode()).hexdigest()
            with unreadable_files(source, delivered):
                return write(lines.withColumn("_ingested_at", F.current_timestamp()), name)
        finally:
            files.delete_folder(folder)

    def _without_needed(self, good: Collection[LandingFile], probes: Mapping[str, Probe]) -> dict[LandingFile, str]:
        """Files that lack a column which the source file uses and other files have; lines of JSON may lack any."""
        if self._source.format == "jsonl" or not self._is_of_lines():
            return {}
        columns = {file: [*landed_names(probes[file.uri].columns or ()), *file.partitions] for file in good}
        lowered = {file: {name.lower() for name in names} for file, names in columns.items()}
        known = set().union(*lowered.values(), (name.lower() for name in self._earlier or ()))
        needed = [name for name in used_columns(self._context.spark, self._source) if name.lower() in known]
        found = {}
        for file in good:
            lacking = [name for name in needed if name.lower() not in lowered[file] and name not in LANDING_COLUMNS]
            if lacking := [name for name in lacking if name not in self._source.optional]:
                told = listed(columns[file])
                found[file] = (
                    f"it has no {', '.join(lacking)}, which the source file uses; it has {told}: mend the file, or use "
                    "its columns in the source file, and name those that files may lack `optional`"
                )
        return found

    def _is_of_lines(self) -> bool:
        return self._source.name == self._context.settings.source.name

    def _set_aside(self, bad: Mapping[LandingFile, str]) -> None:
        """Say which files are bad.

        Raises:
            DataError: The source does not say that such files are skipped.
        """
        if not bad:
            return
        named = short_names([file.uri for file in self._batch_of])
        told = [f"{named[file.uri]}: {trouble}" for file, trouble in bad.items()]
        if self._source.on_bad_file == "refuse":
            more = f" (and {len(told) - _SHOWN} more)" if len(told) > _SHOWN else ""
            raise DataError(
                f"source {self._source.name}: {'; '.join(told[:_SHOWN])}{more}. Nothing of the delivery was taken; "
                "`on_bad_file: skip` in the source file sets such files aside"
            )
        self.skipped += len(told)
        for line in told:
            self._context.say(f"skipped {line}")

    def _say_odd(self, probes: Mapping[LandingFile, Probe]) -> None:
        named, longest = short_names([file.uri for file in probes]) if probes else {}, self._source.longest_line
        for file, probe in probes.items():
            if probe.empty:
                self._context.say(f"{named[file.uri]} is empty: there is no line in it")
            if probe.too_long:
                self._context.say(
                    f"{named[file.uri]}: {probe.too_long:,} of its lines have more than {longest:,} characters "
                    f"(`longest_line`), the first is line {probe.first_too_long:,}: refused as line_too_long; mend "
                    "them, or raise it"
                )
            if probe.undecodable:
                self._context.say(
                    f"{named[file.uri]}: {probe.undecodable:,} lines, the first is line {probe.first_undecodable}, "
                    "hold bytes that are not of the file's encoding (or U+FFFD): set `options: {encoding: ...}`, such "
                    "as windows-1252; ids with such a sign are refused"
                )

    def _check_width(self, lines: DataFrame) -> None:
        names = {name.lower() for name in (*(self._earlier or ()), *lines.columns)}
        if len(own_columns([*names])) > self._source.max_columns:
            raise DataError(
                f"source {self._source.name}: with the columns of the new files the table would have {len(names):,}, "
                f"more than `max_columns`, {self._source.max_columns:,}: deliver them without what is no column"
            )

    def _say_drift(self, lines: DataFrame) -> None:
        earlier = {name.lower() for name in self._earlier or ()}
        names = {name.lower() for name in lines.columns}
        if added := [name for name in lines.columns if name.lower() not in earlier and name != UNREADABLE_LINE]:
            self._context.say(f"new files have the new columns {listed(added)}")
        used = used_columns(self._context.spark, self._source)
        if lost := [name for name in used if name.lower() in earlier and name.lower() not in names]:
            self._context.say(f"no new line has {', '.join(lost)}: taken as missing")
