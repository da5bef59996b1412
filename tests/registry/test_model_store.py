from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import sparse

from sparkrec.errors import DataError
from sparkrec.lake import files
from sparkrec.lake.model_tables import neighbour_rows
from sparkrec.registry.model_store import CurrentModels, model_version

INGREDIENTS: dict[str, Any] = {
    "name": "ease",
    "inputs": {"a": 1, "b": 2},
    "settings": {"x": 0.5, "y": 2},
    "seed": 7,
    "code": "c",
}


def _current(root: Path, **versions: str) -> CurrentModels:
    return CurrentModels(root=str(root), versions=versions, folds=("validation", "publish"), items=4, left_out={})


def test_a_version_is_the_hash_of_its_ingredients_in_any_order() -> None:
    again = {**INGREDIENTS, "inputs": {"b": 2, "a": 1}, "settings": {"y": 2, "x": 0.5}}

    version = model_version(**INGREDIENTS)

    assert version == model_version(**again)
    assert len(version) == 12
    assert int(version, 16) >= 0


@pytest.mark.parametrize(
    "change",
    [
        {"name": "ease_decayed"},
        {"inputs": {"a": 1, "b": 3}},
        {"inputs": {"a": 1}},
        {"settings": {"x": 0.5, "y": 3}},
        {"seed": 8},
        {"code": "d"},
    ],
)
def test_every_ingredient_changes_the_version(change: dict[str, Any]) -> None:
    assert model_version(**{**INGREDIENTS, **change}) != model_version(**INGREDIENTS)


def test_models_are_found_where_their_lake_has_been_moved_to(tmp_path: Path) -> None:
    files.write_arrays(f"{tmp_path}/here/ease/new/publish/arrays.npz", {"weights": np.ones(1)})
    _current(tmp_path / "here", ease="new").write(f"{tmp_path}/here/current.json")

    (tmp_path / "here").rename(tmp_path / "there")

    moved = CurrentModels.read(f"{tmp_path}/there/current.json")
    assert moved.arrays("ease", "publish")["weights"].tolist() == [1.0]


def test_writing_removes_the_versions_and_models_that_are_no_longer_current(tmp_path: Path) -> None:
    for folder in ("ease/old", "ease/new", "als/one", "gone/one"):
        files.write_arrays(f"{tmp_path}/{folder}/publish/arrays.npz", {"weights": np.zeros(1)})
    current = _current(tmp_path, ease="new", als="one")

    current.write(f"{tmp_path}/current.json")

    assert CurrentModels.read(f"{tmp_path}/current.json") == current
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*")} == {"ease/new", "als/one"}
    assert files.exists(f"{tmp_path}/ease/new/publish/arrays.npz")


def test_before_the_first_training_the_job_to_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"current\.json does not exist: run `sparkrec job train` first"):
        CurrentModels.read(f"{tmp_path}/current.json")


def test_models_of_another_version_of_the_code_are_named_with_what_to_do(tmp_path: Path) -> None:
    files.write_bytes(f"{tmp_path}/current.json", b'{"versions": {}, "cuts": ["publish"], "items": 3, "left_out": {}}')

    with pytest.raises(DataError, match="was written by another version of sparkrec: remove the folder"):
        CurrentModels.find(f"{tmp_path}/current.json")


def test_arrays_are_those_of_the_current_version_and_fold(tmp_path: Path) -> None:
    current = _current(tmp_path, popularity="new")
    for version, fold, value in [("old", "publish", 1.0), ("new", "validation", 2.0), ("new", "publish", 3.0)]:
        files.write_arrays(
            f"{tmp_path}/popularity/{version}/{fold}/arrays.npz", {"scores": np.array([0, value, 0, -1])}
        )

    assert current.folder("popularity") == f"{tmp_path}/popularity/new"
    assert current.arrays("popularity", "validation")["scores"].tolist() == [0, 2, 0, -1]
    assert current.known_items("publish").tolist() == [False, True, False, False]


def test_a_timeless_model_lies_in_one_folder_for_all_folds(tmp_path: Path) -> None:
    current = _current(tmp_path, titles="v1", als="v1").model_copy(update={"timeless": ("titles",)})

    assert current.folder_at("titles", "validation") == current.folder_at("titles", "publish")
    assert current.folder_at("als", "validation") != current.folder_at("als", "publish")
    files.write_arrays(f"{current.folder_at('titles', 'publish')}/arrays.npz", {"weights": np.ones(1)})
    assert current.arrays("titles", "validation")["weights"].tolist() == [1.0]


def test_a_table_of_items_gives_its_vectors_or_the_weights_between_items(tmp_path: Path) -> None:
    current = _current(tmp_path, als="v1", knn="v1")
    vectors = pa.table({"item_index": pa.array([3, 1], pa.int32()), "vector": [[1.0, 2.0], [3.0, 4.0]]})
    weights = sparse.csr_matrix(np.array([[0, 5, 6, 0], [7, 0, 0, 8]], np.float32))
    for name, parts in {
        "als": [vectors],
        "knn": [neighbour_rows(weights[1:], 3), neighbour_rows(weights[:1], 1)],
    }.items():
        files.write_arrays(f"{current.folder_at(name, 'publish')}/arrays.npz", {"own_weight": np.array(2.0)})
        for number, part in enumerate(parts):
            files.write_table(f"{current.folder_at(name, 'publish')}/items/{number}.parquet", [part])

    assert current.arrays("als", "publish")["items"].tolist() == [[0, 0], [3, 4], [0, 0], [1, 2]]
    found = current.arrays("knn", "publish")
    assert found["own_weight"] == 2
    dense = sparse.csr_matrix((found["values"], found["columns"], found["starts"]), (4, 4)).toarray()
    assert dense.tolist() == [[0, 0, 0, 0], [0, 5, 6, 0], [0, 0, 0, 0], [7, 0, 0, 8]]
