"""Puts the rows of gold.feature_statistics into the order in which people read them."""

from collections.abc import Hashable
from typing import Any

import pandas as pd


def numeric_features(features: pd.DataFrame) -> dict[str, list[dict[Hashable, Any]]]:
    """The features whose values are numbers, by table, each by name; a figure that is missing is None."""
    if features.empty:
        return {}
    rows = features[features["quantiles"].notna()].sort_values(["table", "feature"])
    rows = rows.astype(object).where(rows.notna(), None)
    return {str(table): own.to_dict("records") for table, own in rows.groupby("table")}
