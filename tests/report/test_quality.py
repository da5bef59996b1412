from dataclasses import replace

import pandas as pd
import pytest

from sparkrec.report import ReportContent
from sparkrec.report.quality import protocols, shelves


def test_models_stand_best_first_with_their_kind(content: ReportContent) -> None:
    discover, reorder = shelves(content)
    assert (discover.name, reorder.name) == ("discover", "reorder")
    assert [one.model for one in reorder.standings[:4]] == ["own_frequency", "ease", "item_knn", "two_tower"]
    assert [one.kind for one in discover.standings[:2]] == ["deep model", "baseline"]
    assert [one.model for one in discover.standings if one.published] == ["two_tower"]


def test_the_published_model_is_held_against_the_best_of_the_other_kind(content: ReportContent) -> None:
    discover, reorder = shelves(content)
    assert discover.rival is not None
    assert discover.rival.model == "ease"
    assert discover.lead == pytest.approx(0.0871 - 0.0842)
    assert reorder.rival is not None
    assert reorder.rival.model == "two_tower"
    assert reorder.lead == pytest.approx(0.2214 - 0.1742)


def test_figures_are_the_tests_and_without_a_test_those_of_validation(content: ReportContent) -> None:
    assert shelves(content)[0].standings[0].scores["ndcg@10"].value == pytest.approx(0.0871)
    evaluations = content.evaluations[content.evaluations["split"] == "validation"]
    shelf = shelves(replace(content, evaluations=evaluations))[0]
    assert shelf.evaluated_on == "validation"
    assert shelf.standings[0].scores["ndcg@10"].value == pytest.approx(0.0871 * 1.04)
    assert shelf.segments == ()


def test_the_wanted_metric_comes_first_and_another_stands_in_for_it(content: ReportContent) -> None:
    assert shelves(content)[0].metrics == ("ndcg@10", "hit_rate@10", "mrr@10", "recall@10")
    assert shelves(replace(content, metric="mrr@10"))[0].metric == "mrr@10"
    assert shelves(replace(content, metric="ndcg@50"))[0].metric == "hit_rate@10"


def test_segments_are_those_of_the_published_model_largest_first(content: ReportContent) -> None:
    names = [segment.name for segment in shelves(content)[0].segments]
    assert names[:3] == ["country=United Kingdom", "country=Germany", "country=France"]
    assert names[-1] == "country=Japan"
    assert "all" not in names


def test_a_shelf_without_evaluation_is_still_named(content: ReportContent) -> None:
    shelf, *others = shelves(
        replace(content, evaluations=content.evaluations.iloc[:0], chosen={"reorder": "popularity"})
    )
    assert others == []
    assert (shelf.name, shelf.description, shelf.published, shelf.rival, shelf.lead) == (
        "reorder",
        "popularity",
        None,
        None,
        None,
    )


def test_two_versions_of_a_model_stand_apart(content: ReportContent) -> None:
    older = content.evaluations[content.evaluations["model"] == "ease"].assign(model_version="older", chosen=False)
    both = pd.concat([content.evaluations, older], ignore_index=True)
    standings = shelves(replace(content, evaluations=both))[0].standings
    assert [one.version for one in standings if one.model == "ease"] == ["20111209-test", "older"]


def test_protocols(content: ReportContent) -> None:
    assert protocols(content.evaluations) == ("3f9a1c0b77de",)
    assert protocols(content.evaluations.iloc[:0]) == ()
