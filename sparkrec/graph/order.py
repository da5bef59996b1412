"""The order of the jobs, from what they read and write."""

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

from sparkrec.graph.job import JobSpec


def upstream(jobs: Sequence[JobSpec]) -> dict[str, set[str]]:
    """The jobs that must be done before each job: those that write what it reads.

    Raises:
        ValueError: Two jobs write the same, or a job reads what none writes.
    """
    writer: dict[str, str] = {}
    for job in jobs:
        for name in job.writes:
            if name in writer:
                raise ValueError(f"{writer[name]} and {job.name} both write {name}")
            writer[name] = job.name
    for job in jobs:
        for name in job.reads:
            if name not in writer:
                raise ValueError(f"{job.name} reads {name}, which no job writes")
    return {job.name: {writer[name] for name in job.reads} for job in jobs}


def in_order(jobs: Sequence[JobSpec]) -> list[JobSpec]:
    """The jobs so that each comes after those it needs; ties in the order given.

    Raises:
        ValueError: The jobs need each other in a circle.
    """
    by_name = {job.name: job for job in jobs}
    place = {job.name: number for number, job in enumerate(jobs)}
    sorter = TopologicalSorter(upstream(jobs))
    try:
        sorter.prepare()
    except CycleError as error:
        raise ValueError(f"jobs need each other in a circle: {' -> '.join(error.args[1])}") from None
    ordered: list[JobSpec] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        ordered += [by_name[name] for name in ready]
        sorter.done(*ready)
    return ordered
