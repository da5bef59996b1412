"""The lines of some customers of the shop whose data are shipped."""

import pandas as pd

from sparkrec.config import shipped_root


def lines_of_customers(step: int, most: int) -> pd.DataFrame:
    """Landing lines, all columns strings, of every ``step``-th customer by number, ``most`` of them."""
    files = sorted((shipped_root() / "data" / "online_retail").glob("*.csv.gz"))
    lines = pd.concat([pd.read_csv(file, dtype=str) for file in files], ignore_index=True)
    customers = sorted(lines["CustomerID"].dropna().unique())[::step][:most]
    return lines[lines["CustomerID"].isin(customers)]
