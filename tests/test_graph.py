"""The graph of jobs: its order, what makes it wrong, and the files that must go with it."""

import pytest

from sparkrec.config import shipped_root
from sparkrec.graph import JOBS, ON_DEMAND, JobSpec, in_order, upstream


def job(name: str, reads: tuple[str, ...] = (), writes: tuple[str, ...] = ()) -> JobSpec:
    return JobSpec(name=name, description=name, reads=reads, writes=writes)


def test_each_job_comes_after_the_writers_of_what_it_reads() -> None:
    jobs = [
        job("last", reads=("b.two", "c.three")),
        job("right", reads=("a.one",), writes=("c.three",)),
        job("left", reads=("a.one",), writes=("b.two",)),
        job("first", writes=("a.one",)),
    ]
    assert upstream(jobs) == {"first": set(), "left": {"first"}, "right": {"first"}, "last": {"left", "right"}}
    assert [each.name for each in in_order(jobs)] == ["first", "right", "left", "last"]


def test_jobs_that_are_ready_together_keep_the_order_given() -> None:
    jobs = [job("c"), job("a"), job("b")]
    assert in_order(jobs) == jobs


def test_no_jobs_are_in_order() -> None:
    assert in_order([]) == []


def test_a_circle_is_refused_and_shown() -> None:
    circle = [
        job("one", reads=("t.three",), writes=("t.one",)),
        job("two", reads=("t.one",), writes=("t.two",)),
        job("three", reads=("t.two",), writes=("t.three",)),
    ]
    with pytest.raises(ValueError, match="in a circle") as refused:
        in_order(circle)
    assert all(each.name in str(refused.value) for each in circle)


def test_a_job_that_reads_its_own_output_is_a_circle() -> None:
    with pytest.raises(ValueError, match="circle: self -> self"):
        in_order([job("self", reads=("t.a",), writes=("t.a",))])


def test_two_writers_of_one_table_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^one and two both write t\.a$"):
        upstream([job("one", writes=("t.a",)), job("two", writes=("t.a",))])


def test_a_read_that_none_writes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^one reads t\.missing, which no job writes$"):
        upstream([job("one", reads=("t.missing",))])


def test_the_pipeline_has_an_order() -> None:
    names = [each.name for each in in_order(JOBS)]
    assert sorted(names) == sorted(each.name for each in JOBS)
    for name, needed in upstream(JOBS).items():
        assert needed <= set(names[: names.index(name)])


def test_names_of_jobs_differ() -> None:
    assert len({each.name for each in JOBS}) == len(JOBS)


def test_jobs_folder_holds_one_file_a_job() -> None:
    files = {path.stem: path.read_text(encoding="utf-8") for path in (shipped_root() / "jobs").glob("*.py")}
    assert sorted(files) == sorted(each.name for each in (*JOBS, *ON_DEMAND))
    for name, text in files.items():
        _, code = text.split('"""\n', maxsplit=1)
        assert code.split() == ["from", "sparkrec.cli", "import", "job_main", f'job_main("{name}")']


def tables() -> list[str]:
    """All tables of the pipeline; names with a slash are other artefacts."""
    return sorted({name for each in JOBS for name in (*each.reads, *each.writes) if "/" not in name})


@pytest.mark.parametrize("table", tables())
def test_every_table_has_a_contract(table: str) -> None:
    # All sources land alike, so that one contract does for every bronze table.
    layer, name = table.replace("{source}", "landing").split(".")
    assert (shipped_root() / "schemas" / layer / f"{name}.yaml").is_file()


@pytest.mark.parametrize("name", ["shard", "train"])
def test_models_read_features_and_no_table_before_them(name: str) -> None:
    spec = next(job for job in JOBS if job.name == name)
    assert {read.partition(".")[0].partition("/")[0] for read in spec.reads} <= {"features", "shards"}
