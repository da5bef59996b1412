"""The page that people look at after a run: plain data in, one self-contained HTML file out."""

from sparkrec.report.content import (
    Extent,
    ItemNeighbours,
    QueryExamples,
    QueryResults,
    ReportContent,
    RowAccount,
    TrainingCurve,
    UserExample,
)
from sparkrec.report.page import render, write

__all__ = [
    "Extent",
    "ItemNeighbours",
    "QueryExamples",
    "QueryResults",
    "ReportContent",
    "RowAccount",
    "TrainingCurve",
    "UserExample",
    "render",
    "write",
]
