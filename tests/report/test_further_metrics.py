"""What the page tells of lists beside hits, and of how sure it is that models differ."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sparkrec.report import ReportContent, render
from sparkrec.report.quality import shelves
from sparkrec.report.wording import p_value

NOVELTY = {"two_tower": 9.5, "ease": 8.25, "item_knn": 8.0, "als": 7.5, "recent_popularity": 6.0, "popularity": 5.5}


@pytest.fixture
def further(content: ReportContent) -> ReportContent:
    """Also novelty and coverage of the discover shelf, and p-values of models but the published one."""
    rows = content.evaluations
    leading = (rows["shelf"] == "discover") & (rows["metric"] == "ndcg@10") & (rows["segment"] == "all")
    novelty = rows[leading].assign(metric="novelty@10", value=lambda of: of["model"].map(NOVELTY))
    novelty = novelty.assign(low=novelty["value"] - 0.25, high=novelty["value"] + 0.25)
    coverage = rows[leading].assign(metric="coverage@10", value=novelty["value"] / 20, low=np.nan, high=np.nan)
    together = pd.concat([coverage, rows, novelty], ignore_index=True)
    p_values = together["model"].map({"ease": 0.0284, "item_knn": 0.0002})
    return replace(content, evaluations=together.assign(p_value=p_values))


def text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def tables(content: ReportContent) -> list[list[str]]:
    """Rows of each table of the discover shelf."""
    card = re.search(r"<h3>Discover</h3>.*?</article>", render(content), flags=re.DOTALL)
    assert card is not None
    found = re.findall(r"<table.*?</table>", card.group(), flags=re.DOTALL)
    return [[text(row) for row in re.findall(r"<tr.*?</tr>", table, flags=re.DOTALL)] for table in found]


def test_further_metrics_stand_beside_the_best_baselines(further: ReportContent) -> None:
    table = next(table for table in tables(further) if table[0] == "Model Novelty@10 Coverage@10")

    assert table[1:] == [
        "two_tower published 9.500 [9.250, 9.750] 0.475",
        "ease 8.250 [8.000, 8.500] 0.412",
        "item_knn 8.000 [7.750, 8.250] 0.400",
        "als 7.500 [7.250, 7.750] 0.375",
    ]


def test_further_metrics_lead_nothing_and_stand_in_no_other_table(further: ReportContent) -> None:
    discover, reorder = shelves(further)

    assert discover.metrics == reorder.metrics == ("ndcg@10", "hit_rate@10", "mrr@10", "recall@10")
    assert (discover.further, reorder.further) == (("novelty@10", "coverage@10"), ())
    # Where the wanted metric is missing another one of hits stands in for it.
    assert shelves(replace(further, metric="ndcg@50"))[0].metric == "hit_rate@10"
    page = render(further)
    assert page.count("What the lists hold beside hits</h4>") == 1
    assert "nan" not in text(page).split()


def test_models_stand_with_the_p_value_of_no_difference(further: ReportContent, content: ReportContent) -> None:
    chart = tables(further)[0]

    assert chart[0].endswith("NDCG@10 p, paired")
    assert [row.rsplit("] ", 1)[-1] for row in chart[2:5]] == ["0.028", "&lt; 0.001", "–"]
    assert chart[1].endswith("[0.080, 0.095]")
    assert not any("p, paired" in row for table in tables(content) for row in table)


def test_p_values_never_read_as_nothing() -> None:
    assert [p_value(one) for one in (1.0, 0.0284, 0.0006, 0.0004, None, float("nan"))] == [
        "1.000",
        "0.028",
        "0.001",
        "< 0.001",
        "–",
        "–",
    ]
