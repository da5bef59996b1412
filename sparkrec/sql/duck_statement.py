"""What a statement in DuckDB's SQL is made of, and whether it is one that is answered.

DuckDB's own parser gives the tree. What the tree may hold is named here, so that what a later DuckDB adds is refused.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from sparkrec.errors import ConfigurationError
from sparkrec.snapshot import Filter
from sparkrec.sql.tables import Table

_EXPLAIN = re.compile(r"\s*explain\s+(?:analyze\s+)?", re.IGNORECASE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LONGEST_INTEGER = 2**63

# Of what is no expression: queries, what stands in their FROM, and what follows them.
_PARTS = frozenset(
    "SELECT_NODE SET_OPERATION_NODE RECURSIVE_CTE_NODE CTE_NODE "
    "BASE_TABLE SUBQUERY JOIN TABLE_FUNCTION EXPRESSION_LIST PIVOT EMPTY SHOW_REF "
    "ORDER_MODIFIER LIMIT_MODIFIER LIMIT_PERCENT_MODIFIER DISTINCT_MODIFIER "
    "ORDER_DEFAULT ASCENDING DESCENDING".split()
)
_EXPRESSIONS = frozenset(
    "BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT FUNCTION LAMBDA LAMBDA_REF OPERATOR "
    "POSITIONAL_REFERENCE STAR SUBQUERY TYPE WINDOW".split()
)
_SHOWS = frozenset(["DESCRIBE", "SUMMARY", "SHOW"])
_TABLE_FUNCTIONS = frozenset("range generate_series unnest json_each json_tree".split())
# Of functions all those that make of the same values always the same; and these.
_FURTHER_FUNCTIONS = frozenset(
    # The clock, and chance.
    "now today current_date get_current_time get_current_timestamp transaction_timestamp "
    "random gen_random_uuid uuid uuidv4 uuidv7 error unnest "
    # Macros of such functions.
    "if nullif split_part regexp_split_to_table generate_subscripts fdiv fmod date_add days_in_month ago geomean "
    "geometric_mean wavg weighted_avg assert_true md5_number_lower md5_number_upper "
    "json json_group_array json_group_object json_group_structure map_contains_entry map_contains_value "
    "array_append array_pop_back array_pop_front array_prepend array_push_back array_push_front array_reverse "
    "array_to_string array_to_string_comma_default list_any_value list_append list_approx_count_distinct list_avg "
    "list_bit_and list_bit_or list_bit_xor list_bool_and list_bool_or list_count list_entropy list_first "
    "list_histogram list_kurtosis list_kurtosis_pop list_last list_mad list_max list_median list_min list_mode "
    "list_prepend list_product list_reverse list_sem list_skewness list_stddev_pop list_stddev_samp list_string_agg "
    "list_sum list_var_pop list_var_samp".split()
)
# They read SQL.
_REFUSED_FUNCTIONS = frozenset("json_serialize_plan json_serialize_sql json_deserialize_sql".split())

_COMPARISONS = {
    "COMPARE_EQUAL": "==",
    "COMPARE_LESSTHAN": "<",
    "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHAN": ">",
    "COMPARE_GREATERTHANOREQUALTO": ">=",
}
_TURNED = {"==": "==", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Statement:
    """A statement that changes nothing and reads nothing but tables.

    Attributes:
        text: The statement.
        tables: Tables that it names, as ``layer.table``.
    """

    text: str
    tables: tuple[str, ...]
    _parts: tuple[dict[str, Any], ...]

    def columns(self, table: Table) -> list[str]:
        """Columns of the table that the statement may need."""
        # A table's name as a value is a row of it.
        rows = {table.name.partition(".")[2].casefold()} | {place["alias"].casefold() for place in self._places(table)}
        references = [part["column_names"][-1].casefold() for part in self._parts if part.get("class") == "COLUMN_REF"]
        if any(_names_none(part) for part in self._parts) or not rows.isdisjoint(references):
            return list(table.columns)
        named = {text.casefold() for text in _texts(self._parts)}
        return [name for name in table.columns if name.casefold() in named] or [table.columns[0]]

    def filters(self, table: Table) -> list[Filter]:
        """Conditions that every row of the table meets that the statement needs: a reader may leave out the others.

        They are comparisons with a constant that a WHERE directly over the table asks for. Of a table that the
        statement names twice nothing is left out.
        """
        places = self._places(table)
        if len(places) != 1 or places[0]["sample"] is not None or places[0]["column_name_alias"]:
            return []
        conditions = [part["where_clause"] for part in self._parts if part.get("from_table") is places[0]]
        schema = table.rows.schema(table.columns)
        found = [_filter(each, schema) for condition in conditions for each in _conjuncts(condition)]
        return [each for each in found if each is not None]

    def _places(self, table: Table) -> list[dict[str, Any]]:
        return [part for part in self._parts if ".".join(_path(part)).casefold() == table.name.casefold()]


def read_statement(connection: duckdb.DuckDBPyConnection, text: str) -> Statement:
    """Parse a statement, and refuse it unless it is a query or looks at one.

    Raises:
        ConfigurationError: It does not parse, is none or several, is no query, or names what queries may not.
        duckdb.ParserException: It does not parse.
    """
    statements = connection.extract_statements(text)
    if len(statements) != 1:
        raise ConfigurationError(f"one query at a time: these are {len(statements)}")
    query = _EXPLAIN.sub("", text, count=1) if _EXPLAIN.match(text) else text
    (told,) = connection.execute("select json_serialize_sql(?::varchar)", [query]).fetchone() or ("{}",)
    tree = json.loads(told)
    if tree.get("error", True) or len(tree["statements"]) != 1:
        raise ConfigurationError("only queries are allowed: this statement is none")
    parts = tuple(_parts(tree))
    _check_parts(parts)
    _check_functions(connection, parts)
    _check_names_of_queries(connection, parts)
    return Statement(text, tuple(_tables(parts)), parts)


def _check_parts(parts: Sequence[dict[str, Any]]) -> None:
    for part in parts:
        kind, expression = part.get("type"), part.get("class")
        if expression is not None:
            if expression not in _EXPRESSIONS:
                raise ConfigurationError(f"queries may hold no {_words(expression)}")
        elif isinstance(kind, str) and kind not in _PARTS:
            raise ConfigurationError(f"only queries are allowed: this statement holds a {_words(kind)}")
        if kind == "SHOW_REF" and (part["query"] is None or part["show_type"] not in _SHOWS):
            raise ConfigurationError("only queries are allowed: of SHOW there is only `show tables`")


def _check_functions(connection: duckdb.DuckDBPyConnection, parts: Sequence[dict[str, Any]]) -> None:
    for part in parts:
        if part.get("type") == "TABLE_FUNCTION":
            _refuse([name for name in [_name(part["function"])] if name not in _TABLE_FUNCTIONS])
    names = {_name(part) for part in parts if part.get("class") in ("FUNCTION", "WINDOW")}
    _refuse([name for name in names if name in _REFUSED_FUNCTIONS or name.startswith("__")])
    # What DuckDB does not know, it says itself.
    unfit = connection.execute(
        "select function_name from duckdb_functions() where lower(function_name) in (select unnest(?::varchar[])) "
        "group by 1 having not bool_or(coalesce(stability = 'CONSISTENT', false))",
        [sorted(names - _TABLE_FUNCTIONS - _FURTHER_FUNCTIONS)],
    ).fetchall()
    _refuse([name for (name,) in unfit])


def _check_names_of_queries(connection: duckdb.DuckDBPyConnection, parts: Sequence[dict[str, Any]]) -> None:
    # Where the name does not reach, it would stand for DuckDB's own view.
    taken = connection.execute(
        "select view_name from duckdb_views() where lower(view_name) in (select unnest(?::varchar[]))",
        [sorted(_queries(parts))],
    ).fetchall()
    if taken:
        raise ConfigurationError(f"no part of a query may be named {min(taken)[0]}")


def _queries(parts: Sequence[dict[str, Any]]) -> set[str]:
    """Names that the statement gives to parts of it, in small letters."""
    return {each["key"].casefold() for part in parts for each in part.get("cte_map", {}).get("map", ())}


def _refuse(functions: Sequence[str]) -> None:
    if functions:
        raise ConfigurationError(f"queries may not use the function {min(functions)}")


def _name(function: dict[str, Any]) -> str:
    return str(function["qualified_name"]["path"][-1]).casefold()


def _tables(parts: Sequence[dict[str, Any]]) -> Iterator[str]:
    queries = _queries(parts)
    seen: set[str] = set()
    for part in parts:
        path = _path(part)
        name = ".".join(path)
        if path and name.casefold() not in seen and not (len(path) == 1 and name.casefold() in queries):
            seen.add(name.casefold())
            yield name


def _path(part: dict[str, Any]) -> list[str]:
    """The name of a table, where one stands here."""
    return list(part["qualified_name"]["path"]) if part.get("type") == "BASE_TABLE" else []


def _names_none(part: dict[str, Any]) -> bool:
    """Whether this needs columns without their names."""
    return (
        part.get("class") in ("STAR", "POSITIONAL_REFERENCE")
        or part.get("type") in ("SHOW_REF", "PIVOT")
        or part.get("ref_type") == "NATURAL"
        or (part.get("type") == "BASE_TABLE" and bool(part["column_name_alias"]))
    )


def _parts(tree: Any) -> Iterator[dict[str, Any]]:
    open_ends = [tree]
    while open_ends:
        end = open_ends.pop()
        if isinstance(end, dict):
            yield end
            open_ends.extend(end.values())
        elif isinstance(end, list):
            open_ends.extend(end)


def _texts(parts: Sequence[dict[str, Any]]) -> Iterator[str]:
    for part in parts:
        for value in part.values():
            yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))


def _conjuncts(condition: dict[str, Any] | None) -> list[dict[str, Any]]:
    if condition is None:
        return []
    if condition["type"] == "CONJUNCTION_AND":
        return [each for child in condition["children"] for each in _conjuncts(child)]
    return [condition]


def _filter(condition: dict[str, Any], schema: pa.Schema) -> Filter | None:
    comparison = _COMPARISONS.get(condition["type"])
    if comparison is None:
        return None
    left, right = condition["left"], condition["right"]
    if left["class"] != "COLUMN_REF":
        left, right, comparison = right, left, _TURNED[comparison]
    if left["class"] != "COLUMN_REF" or len(left["column_names"]) != 1 or right["class"] != "CONSTANT":
        return None
    found = [field for field in schema if field.name.casefold() == left["column_names"][0].casefold()]
    if len(found) != 1:
        return None
    value = _value(right["literal"], found[0].type)
    return None if value is None else (found[0].name, comparison, value)


def _value(literal: dict[str, Any], kind: pa.DataType) -> Any:
    """The constant as a value of the column's type, where DuckDB compares them as such."""
    text = literal.get("text")
    if literal["kind"] == "STRING" and pa.types.is_string(kind):
        return text
    if literal["kind"] == "STRING" and pa.types.is_date32(kind) and _DAY.fullmatch(str(text)):
        return pa.scalar(text).cast(kind)
    if literal["kind"] == "INTEGER" and pa.types.is_signed_integer(kind) and int(str(text)) < _LONGEST_INTEGER:
        return int(str(text))
    return None


def _words(name: str) -> str:
    return name.lower().replace("_", " ")
