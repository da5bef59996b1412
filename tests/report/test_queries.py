"""The section of the page that shows what queries are understood as."""

import re
from dataclasses import replace

import pandas as pd
import pytest

from sparkrec.report import QueryExamples, QueryResults, ReportContent, render

COLUMNS = ["typed", "made_from", "corrected", "category", "probability", "brand", "colour", "size"]


def section(content: ReportContent) -> str:
    found = re.search(r'<section id="queries".*?</section>', render(content), flags=re.DOTALL)
    assert found is not None
    return found.group()


def rows(page: str) -> list[list[str]]:
    """Cells of each row, tags left out."""
    found = re.findall(r"<tr>(.*?)</tr>", page, flags=re.DOTALL)
    return [
        [
            re.sub(r"<[^>]*>", "", cell).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL)
        ]
        for row in found
    ]


@pytest.fixture
def searched() -> QueryExamples:
    listed = [
        ["red brightwel mug", None, "red brightwell mug", "Kitchen > Mugs", 0.9312, "Brightwell", "red", None],
        ["<b>lmap", None, "<b>lamp", None, None, None, None, None],
    ]
    figures = {"searches": "1,234", "corrected, of searches": "7.1 %"}
    return QueryExamples(figures, pd.DataFrame(listed, columns=COLUMNS))


def test_what_people_typed_stands_beside_what_it_is_read_as(content: ReportContent, searched: QueryExamples) -> None:
    page = section(replace(content, queries=searched))
    assert rows(page) == [
        ["Typed", "Read as", "Category", "Sure", "Brand", "Colour"],
        ["red brightwel mug", "red brightwell mug", "Kitchen &gt; Mugs", "93.1 %", "Brightwell", "red"],
        ["&lt;b&gt;lmap", "&lt;b&gt;lamp", "–", "–", "–", "–"],
    ]
    assert "<dt>searches</dt><dd>1,234</dd>" in page
    assert "The corrected queries that are searched for most." in page


def test_made_queries_say_what_they_were_made_from_and_whether_it_was_found(content: ReportContent) -> None:
    listed = [
        ["jubo bag", "jumbo bag", "jumbo bag", None, None, None, None, None],
        ["cream hang", "cream hanging", "cream hand", None, None, None, None, None],
    ]
    examples = QueryExamples({"queries made": "2"}, pd.DataFrame(listed, columns=COLUMNS))
    page = section(replace(content, queries=examples))
    assert rows(page) == [
        ["Typed", "Made from", "Read as"],
        ["jubo bag", "jumbo bag", "✓ jumbo bag"],
        ["cream hang", "cream hanging", "✗ cream hand"],
    ]
    assert "The shop logs no searches" in page


@pytest.mark.parametrize("queries", [None, QueryExamples({}, pd.DataFrame(columns=COLUMNS))])
def test_a_page_without_queries_says_why(content: ReportContent, queries: QueryExamples | None) -> None:
    assert "No query is shown" in section(replace(content, queries=queries))


def test_what_searches_find_stands_with_the_reason_and_as_text(content: ReportContent) -> None:
    names = ["rank", "item_id", "title", "reason"]
    mugs = [(1, "a", "<b>Mug</b>", "chosen once after this search"), (2, "b", None, "words of the query in its title")]
    nothing = [(1, None, None, "nothing answers this query")]
    found = (
        QueryResults("mgu", "mug", 1234, pd.DataFrame(mugs, columns=names)),
        QueryResults("asdf", "asdf", 2, pd.DataFrame(nothing, columns=names), nearest_query="mug"),
    )

    page = section(replace(content, search_results=found))

    assert rows(page[page.index("What searches find") :])[1:] == [
        ["mgu", "mug", "1,234", "1", "&lt;b&gt;Mug&lt;/b&gt;", "chosen once after this search"],
        ["2", "–", "words of the query in its title"],
        ["asdf", "asdf", "2", "–", "–", "nothing answers this query; the nearest query with results is mug"],
    ]
    assert "What searches find" not in section(replace(content, search_results=()))
