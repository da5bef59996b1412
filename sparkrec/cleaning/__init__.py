"""From landed lines to clean events and items: pure functions on DataFrames and Columns."""
