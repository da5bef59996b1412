import json
from pathlib import Path

import pytest

from sparkrec.errors import DataError
from sparkrec.shards.manifest import MANIFEST, Dataset, Manifest, ShardFile


def _dataset(*rows: int, folder: str = "validation/train") -> Dataset:
    files = (
        ShardFile(name=f"part-{place}", rows=count, row_groups=1, sha256="0" * 64) for place, count in enumerate(rows)
    )
    return Dataset(folder=folder, columns={"user_index": "int"}, files=tuple(files))


def _manifest(*datasets: Dataset) -> Manifest:
    return Manifest(
        version="0123456789ab",
        inputs={"features.ranking_samples": 3},
        seed=7,
        history_length=4,
        title_words=2,
        users=5,
        items=6,
        words=7,
        datasets={data.folder: data for data in datasets},
        checksum=Manifest.checksum_of(datasets),
    )


@pytest.mark.parametrize("ranks", [1, 2, 3, 7, 9])
def test_the_files_of_the_ranks_are_a_partition_of_all_files(ranks: int) -> None:
    data = _dataset(5, 4, 5, 4, 5, 4, 5)

    parts = [data.of_rank(rank, ranks) for rank in range(ranks)]

    assert sorted(file.name for part in parts for file in part) == [file.name for file in data.files]
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_the_agreed_steps_are_what_the_smallest_part_can_make() -> None:
    data = _dataset(50, 39, 51, 40)

    assert data.rows == 180
    assert data.steps(ranks=1, batch_size=10) == 18
    assert data.steps(ranks=2, batch_size=10) == 7
    assert data.steps(ranks=4, batch_size=10) == 3
    assert data.steps(ranks=5, batch_size=10) == 0


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    manifest = _manifest(_dataset(5, 4), _dataset(3, folder="items"))

    manifest.write(str(tmp_path))

    assert Manifest.read(str(tmp_path)) == manifest


def test_the_checksum_does_not_depend_on_the_order_of_the_data_sets_but_on_every_file() -> None:
    one, other = _dataset(5, 4), _dataset(3, folder="items")
    changed = Dataset(folder="items", columns={}, files=(other.files[0].model_copy(update={"sha256": "1" * 64}),))

    assert Manifest.checksum_of([one, other]) == Manifest.checksum_of([other, one])
    assert Manifest.checksum_of([one, changed]) != Manifest.checksum_of([one, other])


def test_a_checksum_that_does_not_fit_its_files_is_refused(tmp_path: Path) -> None:
    _manifest(_dataset(5, 4)).write(str(tmp_path))
    written = json.loads((tmp_path / MANIFEST).read_text())
    written["datasets"]["validation/train"]["files"][1]["sha256"] = "f" * 64
    (tmp_path / MANIFEST).write_text(json.dumps(written))

    with pytest.raises(DataError, match=r"manifest\.json: the checksum does not fit the files"):
        Manifest.read(str(tmp_path))


def test_a_missing_manifest_names_the_job_to_run(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"manifest\.json does not exist: run `sparkrec job shard` first"):
        Manifest.read(str(tmp_path))
