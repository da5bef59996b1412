"""All jobs: those that sparkrec ships, and those of one's own project."""

from dataclasses import replace
from pathlib import Path

from sparkrec.config.extensions import declared
from sparkrec.config.paths import roots
from sparkrec.errors import ConfigurationError
from sparkrec.graph.job import JobSpec
from sparkrec.graph.jobs import JOBS
from sparkrec.graph.order import upstream

# Jobs that rank.
_RANKING = ("train", "evaluate", "recommend", "search")


def pipeline() -> tuple[JobSpec, ...]:
    """The jobs of the graph, ``JOBS`` of the project's ``sparkrec_extensions/jobs.py`` among them.

    Every table with features is described, one's own too, and those that rankers see are handed to them.

    Raises:
        ConfigurationError: One's own jobs do not fit: a name or a table is taken, or nobody writes what a job reads.
    """
    own = declared("jobs", "JOBS", JobSpec)
    if not own:
        return JOBS
    from sparkrec.contracts.features import RANKING
    from sparkrec.contracts.load import all_contracts, tables_tagged

    taken = {job.name for job in JOBS}
    for job in own:
        if job.name in taken or not job.step:
            why = "has no `step`, its module" if job.name not in taken else "has the name of a job that sparkrec ships"
            raise ConfigurationError(f"job {job.name} of sparkrec_extensions/jobs.py {why}")
        taken.add(job.name)
    written = {table for job in own for table in job.writes}
    described = {
        contract.table
        for contract in all_contracts()
        if contract.table in written and any(column.feature for column in contract.columns.values())
    }
    further = {"describe": described} | dict.fromkeys(
        _RANKING, written & {contract.table for contract in tables_tagged(RANKING)}
    )
    shipped = [replace(job, reads=(*job.reads, *sorted(further.get(job.name, ())))) for job in JOBS]
    jobs = (*shipped, *own)
    try:
        upstream(jobs)
    except ValueError as error:
        raise ConfigurationError(f"sparkrec_extensions/jobs.py: {error}") from None
    return jobs


def job_file(name: str) -> Path:
    """The file that ``spark-submit`` runs for a job."""
    files = [root / "jobs" / f"{name}.py" for root in roots()]
    return next((file for file in files if file.is_file()), files[0])
