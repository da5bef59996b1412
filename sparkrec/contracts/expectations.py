"""Contracts for Great Expectations: a suite a table, its validation on Spark, and the Data Docs of all tables.

GX runs a Spark job for each expectation, except where the metric is an aggregate: the aggregates of a table
share one job. So row rules and missing values are counted by aggregates here, and only ``unique`` and
``references`` take jobs of their own. Results hold counts, never a row's values.
"""

import json
import os
import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # GX reads it when it is imported.

import great_expectations as gx
from great_expectations.core import ExpectationSuite
from great_expectations.core.batch_definition import BatchDefinition
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.execution_engine.sparkdf_execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.core.expect_table_row_count_to_be_between import ExpectTableRowCountToBeBetween
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metadata_types import FailureSeverity
from great_expectations.expectations.metrics.metric_provider import metric_partial, metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StructField

from sparkrec.contracts.contract import Contract, OnFailure, ReferencesCheck, RowCountCheck, TableCheck, UniqueCheck
from sparkrec.errors import DataError

_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0, "exclude_unexpected_values": True}
_SEVERITY = {
    "fail": FailureSeverity.CRITICAL,
    "quarantine": FailureSeverity.WARNING,
    "warn": FailureSeverity.WARNING,
}
_DATA_SOURCE = "lake"
_SITE = "local_site"
# The Data Docs show this many of the latest validations; without a limit their building grows with every night.
_SITE_VALIDATIONS = 200
# The pages' logo is fetched from GX with the folder's id, which tells GX of each opening of a page.
_BEACON = re.compile(r"https://great-expectations-web-assets\.[^\"]*dataContextId=[^\"]*")
_ADDED = "missing_from_table"


@dataclass(frozen=True)
class Failure:
    """A rule or check that a table broke.

    Attributes:
        rule: Its name in the contract. ``columns`` and ``not_null(<column>)`` stand for the columns' own claims.
        on_failure: What the contract says is to be done.
        unexpected: Rows that break it; of ``columns`` the number of things wrong with them, of ``row_count``
            the rows too few or too many.
        total: Rows of the table; of ``columns`` the number of columns in the contract.
    """

    rule: str
    on_failure: OnFailure
    unexpected: int
    total: int


@dataclass(frozen=True)
class QualityReport:
    """What a validation found. ``passed`` is false only if something broke that the contract marks ``fail``."""

    table: str
    passed: bool
    failures: tuple[Failure, ...]


class Quality:
    """Validates tables and keeps the results in one folder, for this process and for later ones.

    Args:
        folder: Where suites, results and Data Docs lie; made where it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self._pages = self._folder / "data_docs"
        self._context = gx.get_context(mode="file", project_root_dir=folder)
        if self._context.variables.progress_bars is None:
            self._set_up()

    def validate(
        self, df: DataFrame, contract: Contract, references: Mapping[str, DataFrame] | None = None
    ) -> QualityReport:
        """Check all that the contract says of a table and keep the result.

        Spark reads the rows once for the row rules, missing values and row count together, once for each
        ``unique`` check (twice where keys are shared) and once for each ``references`` check. So hand in what
        is quick to read, such as the table as read back from the lake, or persist it first.

        A column that the table does not have counts as null in every row.

        Args:
            df: The whole table.
            contract: What is said of it.
            references: The tables that ``references`` checks name; columns besides the checked ones do no harm.

        Raises:
            DataError: A rule cannot be evaluated, as its condition does not fit the columns' types.
            ValueError: A table that a ``references`` check names is not among ``references``.
        """
        suite = self._context.suites.add_or_update(expectation_suite(contract))
        definition = self._context.validation_definitions.add_or_update(
            gx.ValidationDefinition(name=contract.table, data=self._batch_definition(contract.table), suite=suite)
        )
        complete = _with_missing_columns(df, contract)
        with ExitStack() as views:
            for table in sorted({check.table for check in contract.checks if isinstance(check, ReferencesCheck)}):
                if references is None or table not in references:
                    raise ValueError(f"{contract.table} references {table}: hand it to validate()")
                references[table].createOrReplaceTempView(_view(table))
                views.callback(df.sparkSession.catalog.dropTempView, _view(table))
            outcome = definition.run(batch_parameters={"dataframe": complete}, result_format=dict(_COUNTS_ONLY))
        failures = [_failure(result, contract.table) for result in outcome.results if not result.success]
        # GX sorts its results by column.
        order = [(expectation.meta or {})["rule"] for expectation in suite.expectations]
        failures.sort(key=lambda failure: order.index(failure.rule))
        passed = all(failure.on_failure != "fail" for failure in failures)
        return QualityReport(contract.table, passed, tuple(failures))

    def build_data_docs(self) -> Path:
        """Draw the kept results as web pages and give the first page."""
        self._drop_broken_results()
        self._context.build_data_docs(site_names=[_SITE])
        for page in self._pages.rglob("*.html"):
            page.write_text(_BEACON.sub("data:,", page.read_text(encoding="utf-8")), encoding="utf-8")
        return self._pages / "index.html"

    def _drop_broken_results(self) -> None:
        """Remove results that a full disk or a kill has left half written: each is of one validation of many."""
        for path in (self._folder / "gx" / "uncommitted" / "validations").rglob("*.json"):
            try:
                json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                path.unlink()

    def _set_up(self) -> None:
        self._context.variables.progress_bars = ProgressBarsConfig(globally=False)
        self._context.update_data_docs_site(
            _SITE,
            {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,  # type: ignore[typeddict-unknown-key]
                "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": "../data_docs/"},
                "site_index_builder": {
                    "class_name": "DefaultSiteIndexBuilder",
                    "validation_results_limit": _SITE_VALIDATIONS,
                },
            },
        )

    def _batch_definition(self, table: str) -> BatchDefinition[Any]:
        sources = self._context.data_sources
        # GX would persist every table and never let it go.
        source = sources.all().get(_DATA_SOURCE) or sources.add_spark(_DATA_SOURCE, persist=False)
        known = table in source.get_asset_names()
        asset = source.get_asset(table) if known else source.add_dataframe_asset(table)
        whole = next(iter(asset.batch_definitions), None)
        return whole or asset.add_batch_definition_whole_dataframe("whole")


def expectation_suite(contract: Contract) -> ExpectationSuite:
    """The contract as a suite. Each expectation carries its rule's name and what to do on failure in ``meta``."""
    # Given to the suite at once: a suite in a context is written anew for each expectation added to it.
    expectations = [_columns(contract), *_not_null(contract), *_row_rules(contract), *map(_check, contract.checks)]
    return ExpectationSuite(name=contract.table, notes=contract.description, expectations=expectations)


def _columns(contract: Contract) -> BatchExpectation:
    columns = [f"{name} {column.type}" for name, column in contract.columns.items()]
    labels = _labels("columns", "fail", ", ".join(columns))
    return ExpectContractColumns(columns=columns, others=contract.open, **labels)


def _not_null(contract: Contract) -> list[BatchExpectation]:
    return [
        ExpectRowsToMeet(
            condition=f"`{name}` is not null",
            column=name,
            **_labels(f"not_null({name})", "fail", column.description),
        )
        for name, column in contract.columns.items()
        if not column.nullable
    ]


def _row_rules(contract: Contract) -> list[BatchExpectation]:
    return [
        ExpectRowsToMeet(
            condition=rule.condition,
            **_labels(rule.name, rule.on_failure, f"{rule.description} ({rule.condition})"),
        )
        for rule in contract.rules
    ]


def _check(check: TableCheck) -> BatchExpectation:
    match check:
        case UniqueCheck():
            labels = _labels(check.name, check.on_failure, "No two rows have the same values.")
            return ExpectKeyToBeUnique(columns=list(check.columns), **labels)
        case ReferencesCheck():
            labels = _labels(check.name, check.on_failure, f"Every value is in {check.table}.")
            return ExpectReferencesToExist(columns=list(check.columns), referenced=check.table, **labels)
        case RowCountCheck():
            most = "any number of" if check.max is None else f"{check.max:,}"
            labels = _labels(check.name, check.on_failure, f"From {check.min or 0:,} to {most} rows.")
            return ExpectTableRowCountToBeBetween(min_value=check.min, max_value=check.max, **labels)


def _labels(rule: str, on_failure: OnFailure, text: str) -> dict[str, Any]:
    """What every expectation carries besides its own arguments; the Data Docs show the description."""
    return {
        "description": f"{rule}: {text}",
        "severity": _SEVERITY[on_failure],
        "meta": {"rule": rule, "on_failure": on_failure},
    }


class ColumnsOffContract(TableMetricProvider):
    """What is wrong with the columns: one text for each thing."""

    metric_name = "contract.columns_off"
    value_keys = ("columns", "others")

    @metric_value(engine=SparkDFExecutionEngine)
    def _spark(
        cls,
        execution_engine: SparkDFExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> list[str]:
        fields = execution_engine.get_domain_records(metric_domain_kwargs).schema.fields
        found = {field.name: field.dataType.simpleString() for field in fields if not _was_added(field)}
        contract = (column.split(" ", 1) for column in metric_value_kwargs["columns"])
        wanted = {name: DataType.fromDDL(ddl).simpleString() for name, ddl in contract}
        both_found = [name for name in found if name in wanted]
        both_wanted = [name for name in wanted if name in found]
        unexpected = [] if metric_value_kwargs["others"] else [name for name in found if name not in wanted]
        return [
            *(f"{name} is missing" for name in wanted if name not in found),
            *(f"{name} is not in the contract" for name in unexpected),
            *(f"{name} is {found[name]}, not {wanted[name]}" for name in both_wanted if found[name] != wanted[name]),
            *(
                f"{is_} stands in the place of {was}"
                for is_, was in zip(both_found, both_wanted, strict=True)
                if is_ != was
            ),
        ]


class RowsFailing(TableMetricProvider):
    """Rows for which a condition is not true, as an aggregate: GX counts all of them in one job."""

    metric_name = "contract.rows_failing"
    value_keys = ("condition",)

    @metric_partial(
        engine=SparkDFExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _spark(
        cls,
        execution_engine: SparkDFExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> tuple[Column, dict[str, Any], dict[str, Any]]:
        met = F.coalesce(F.expr(metric_value_kwargs["condition"]), F.lit(False))
        return F.count_if(~met), metric_domain_kwargs, {}


class RowsSharingKey(TableMetricProvider):
    """Rows that have the values of these columns in common with another row."""

    metric_name = "contract.rows_sharing_key"
    value_keys = ("columns",)

    @metric_value(engine=SparkDFExecutionEngine)
    def _spark(
        cls,
        execution_engine: SparkDFExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> int:
        rows = execution_engine.get_domain_records(metric_domain_kwargs)
        columns = metric_value_kwargs["columns"]
        # Equal keys have equal hashes, and 8 bytes a row are quick to shuffle: only if hashes recur may keys.
        return _rows_recurring(rows, F.xxhash64(*columns)) and _rows_recurring(rows, *columns)


class RowsWithoutReference(TableMetricProvider):
    """Rows whose values of these columns are all there and do not occur in the referenced table."""

    metric_name = "contract.rows_without_reference"
    value_keys = ("columns", "referenced")

    @metric_value(engine=SparkDFExecutionEngine)
    def _spark(
        cls,
        execution_engine: SparkDFExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> int:
        rows: DataFrame = execution_engine.get_domain_records(metric_domain_kwargs)
        columns = metric_value_kwargs["columns"]
        known = rows.sparkSession.table(_view(metric_value_kwargs["referenced"])).select(*columns)
        return rows.select(*columns).dropna().join(known, columns, "left_anti").count()


class ExpectContractColumns(BatchExpectation):
    """The table has the contract's columns, of its types and in its order."""

    columns: list[str]  # Each a name and a type. No mapping: GX would sort it, and the order counts.
    others: bool
    metric_dependencies: ClassVar[tuple[str, ...]] = (ColumnsOffContract.metric_name,)
    success_keys: ClassVar[tuple[str, ...]] = ("columns", "others")

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        wrong = metrics[ColumnsOffContract.metric_name]
        observed = {
            "observed_value": "; ".join(wrong) or "as in the contract",
            "details": {"unexpected": len(wrong), "total": len(self.columns)},
        }
        return {"success": not wrong, "result": observed}


class ExpectRowsToMeet(BatchExpectation):
    """A condition is true for every row. A null is not true."""

    condition: str
    column: str | None = None  # The Data Docs sort by it.
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.row_count", RowsFailing.metric_name)
    success_keys: ClassVar[tuple[str, ...]] = ("condition",)

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        return _outcome(metrics[RowsFailing.metric_name], metrics["table.row_count"])


class ExpectKeyToBeUnique(BatchExpectation):
    """No two rows have the same values of these columns. Nulls are the same value."""

    columns: list[str]
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.row_count", RowsSharingKey.metric_name)
    success_keys: ClassVar[tuple[str, ...]] = ("columns",)

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        return _outcome(metrics[RowsSharingKey.metric_name], metrics["table.row_count"])


class ExpectReferencesToExist(BatchExpectation):
    """The values of these columns occur in another table. A row where one is null refers to nothing."""

    columns: list[str]
    referenced: str
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.row_count", RowsWithoutReference.metric_name)
    success_keys: ClassVar[tuple[str, ...]] = ("columns", "referenced")

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        return _outcome(metrics[RowsWithoutReference.metric_name], metrics["table.row_count"])


def _outcome(unexpected: int, total: int) -> dict[str, Any]:
    """A result in the form of GX's own."""
    percent = 100 * unexpected / total if total else 0.0
    counts = {"element_count": total, "unexpected_count": unexpected, "unexpected_percent": percent}
    return {"success": unexpected == 0, "result": counts}


def _rows_recurring(rows: DataFrame, *key: Column | str) -> int:
    """Rows whose key is not theirs alone."""
    of_key = rows.groupBy(*key).agg(F.count(F.lit(1)).alias("rows"))
    recurring = of_key.where(F.col("rows") > 1).agg(F.coalesce(F.sum("rows"), F.lit(0)))
    return int(recurring.collect()[0][0])


def _failure(result: ExpectationValidationResult, table: str) -> Failure:
    config = result.expectation_config
    assert config is not None and config.meta is not None
    rule = config.meta["rule"]
    match result.result:
        case {"unexpected_count": unexpected, "element_count": total}:
            pass
        case {"details": {"unexpected": unexpected, "total": total}}:
            pass
        case {"observed_value": total}:  # of the row count, by GX's own expectation
            least, most = config.kwargs.get("min_value"), config.kwargs.get("max_value")
            unexpected = (least - total) if least is not None and total < least else total - most
        case _:
            raise DataError(f"{table}: {rule} cannot be evaluated: {_reason(result.exception_info)}")
    return Failure(rule, config.meta["on_failure"], unexpected, total)


def _reason(exception_info: dict[str, Any]) -> str:
    """The first line of what went wrong; GX gives one exception, or one for each metric by its id."""
    first = exception_info if "exception_message" in exception_info else next(iter(exception_info.values()))
    return str(first["exception_message"]).splitlines()[0]


def _with_missing_columns(df: DataFrame, contract: Contract) -> DataFrame:
    """Add the columns that the table does not have as nulls, marked, so that every rule can be counted."""
    missing = {name: column.type for name, column in contract.columns.items() if name not in df.columns}
    return df.select(
        "*", *(F.lit(None).cast(ddl).alias(name, metadata={_ADDED: True}) for name, ddl in missing.items())
    )


def _was_added(field: StructField) -> bool:
    return _ADDED in field.metadata


def _view(table: str) -> str:
    return f"referenced_{table.replace('.', '_')}"
