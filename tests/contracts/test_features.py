from pathlib import Path

import pytest
from pydantic import ValidationError

from sparkrec.contracts import load_contract
from sparkrec.contracts.contract import Column
from sparkrec.contracts.features import Feature, features, model_inputs
from sparkrec.errors import ConfigurationError
from sparkrec.graph import JOBS

BASKETS = """\
table: features.baskets
description: Baskets.
grain: one basket
people: {forget: nothing, why: Baskets of nobody.}
columns:
  basket_id: {type: string, description: The basket., tags: [taken]}
  pieces:
    {type: int, description: Pieces., unit: pieces, tags: [numeric, taken], feature: {version: 3, leakage: as_of}}
  bought: {type: boolean, description: Bought., tags: [taken, bought], feature: {version: 1, leakage: label}}
"""
ALLEYS = """\
table: features.alleys
description: Alleys.
grain: one alley
people: {forget: nothing, why: Baskets of nobody.}
columns:
  length: {type: double, description: Length., feature: {version: 1, leakage: static}}
"""
PIECES = Feature("features.baskets", "pieces", "int", "Pieces.", 3, "as_of", "pieces", ("numeric", "taken"))


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tables with features in the place of the project's."""
    monkeypatch.setattr("sparkrec.config.paths.shipped_root", lambda: tmp_path)
    (tmp_path / "schemas" / "features").mkdir(parents=True)
    (tmp_path / "schemas" / "features" / "baskets.yaml").write_text(BASKETS)
    (tmp_path / "schemas" / "features" / "alleys.yaml").write_text(ALLEYS)


@pytest.mark.usefixtures("schemas")
def test_features_are_the_marked_columns_by_name() -> None:
    names = [feature.name for feature in features()]

    assert names == ["features.alleys.length", "features.baskets.bought", "features.baskets.pieces"]
    assert features()[2] == PIECES


@pytest.mark.usefixtures("schemas")
def test_they_are_chosen_by_tag_and_table() -> None:
    assert [feature.column for feature in features("taken")] == ["bought", "pieces"]
    assert features("numeric", "features.baskets") == (PIECES,)
    assert [feature.column for feature in features(table="features.alleys")] == ["length"]


@pytest.mark.usefixtures("schemas")
def test_a_label_is_no_input() -> None:
    assert model_inputs("taken") == (PIECES,)
    with pytest.raises(ConfigurationError, match="all features with the tag bought are labels"):
        model_inputs("bought")


@pytest.mark.usefixtures("schemas")
def test_what_gives_nothing_is_answered_with_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match="no feature has the tag take; tags there are: bought, numeric, taken"):
        features("take")
    with pytest.raises(
        ConfigurationError, match=r"no feature in features\.alleys has the tag taken; tags there are: $"
    ):
        model_inputs("taken", "features.alleys")
    tables = r"tables with features: features\.alleys, features\.baskets"
    with pytest.raises(ConfigurationError, match=rf"no feature in a table features\.basket; {tables}"):
        features(table="features.basket")


@pytest.mark.parametrize(
    "use", [{"version": 0, "leakage": "static"}, {"version": 1, "leakage": "none"}, {"version": 1}]
)
def test_a_feature_has_a_version_and_a_leakage_class(use: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Column.model_validate({"type": "int", "description": "A number.", "feature": use})


def test_every_table_with_features_is_described_by_the_job() -> None:
    described = next(job for job in JOBS if job.name == "describe")

    assert set(described.reads) == {feature.table for feature in features()}


def test_what_profiles_and_histories_know_is_marked_by_when_they_know_it() -> None:
    leakage = {feature.name: feature.leakage for feature in features()}

    assert leakage["gold.user_profiles.monetary"] == "as_of"
    assert leakage["gold.user_profiles.attributes"] == "static"
    assert leakage["features.behaviour_sequences.sequence"] == "as_of"
    assert leakage["features.retrieval_samples.history"] == "before_event"
    assert leakage["features.retrieval_samples.item_index"] == "label"


def test_the_two_tower_model_is_not_fed_the_item_that_it_is_to_predict() -> None:
    inputs = model_inputs("two_tower", "features.retrieval_samples")

    assert [feature.column for feature in inputs] == ["history", "item_words", "user_index"]


def test_no_key_of_a_row_is_a_feature() -> None:
    for feature in features():
        assert feature.column not in load_contract(feature.table).primary_key
