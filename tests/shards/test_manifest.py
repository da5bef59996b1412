import json
import re
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq
from pydantic import ValidationError

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
        inputs={"features.retrieval_samples": 3},
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


def _written(root: Path, **columns: list[int]) -> Dataset:
    """Two files of these columns, as a manifest has them."""
    table = pa.table({name: pa.array(values, pa.int32()) for name, values in columns.items()})
    (root / "items").mkdir()
    for place in range(2):
        pq.write_table(table, root / "items" / f"part-{place}")
    data = _dataset(len(table), len(table), folder="items")
    return data.model_copy(update={"columns": dict.fromkeys(columns, "int32")})


def test_files_that_are_as_listed_are_accepted(tmp_path: Path) -> None:
    data = _written(tmp_path, user_index=[1, 2, 3])

    data.check(str(tmp_path))
    assert _manifest(data).is_complete(str(tmp_path))


def _remove(path: Path) -> None:
    path.unlink()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def _drop_a_row(path: Path) -> None:
    pq.write_table(pq.read_table(path).slice(1), path)


def _split(path: Path) -> None:
    pq.write_table(pq.read_table(path), path, row_group_size=2)


def _rename(path: Path) -> None:
    pq.write_table(pq.read_table(path).rename_columns(["user"]), path)


def _widen(path: Path) -> None:
    pq.write_table(pq.read_table(path).cast(pa.schema([("user_index", pa.int64())])), path)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (_remove, "no such file"),
        (_cut, r"no Parquet file \(.+\)"),
        (_drop_a_row, "2 rows in 1 row groups of user_index int32"),
        (_split, "3 rows in 2 row groups of user_index int32"),
        (_rename, "3 rows in 1 row groups of user int32"),
        (_widen, "3 rows in 1 row groups of user_index int64"),
    ],
)
def test_a_file_that_is_not_as_listed_is_named_with_what_was_expected_and_found(
    tmp_path: Path, damage: Callable[[Path], None], found: str
) -> None:
    data = _written(tmp_path, user_index=[1, 2, 3])
    damage(tmp_path / "items" / "part-1")

    expected = "where the manifest has 3 rows in 1 row groups of user_index int32: run `sparkrec job shard` again"
    with pytest.raises(DataError, match=rf"^{re.escape(str(tmp_path))}/items/part-1: {found}, {expected}$"):
        data.check(str(tmp_path))
    assert not _manifest(_dataset(folder="train"), data).is_complete(str(tmp_path))


def test_a_file_of_several_row_groups_is_no_shard() -> None:
    with pytest.raises(ValidationError, match="row_groups"):
        ShardFile(name="part-0", rows=5, row_groups=2, sha256="")
