"""What the outside needs to know of a job."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class JobSpec:
    """A job by what it reads and writes.

    Attributes:
        name: Name on the command line, of its file in ``jobs/`` and of its Airflow task.
        description: One line for people.
        reads: What it reads: tables as ``layer.table``, artefacts as ``folder/name``. ``{source}``
            stands for the name of the source, and for those of its lookups.
        writes: What it writes, in the same form. No two jobs write the same.
        from_outside: Tables that it reads where they exist, and that a command writes, not a job.
        resources: Spark settings that the job needs beyond those of the environment.
        alone_with: A job that must not run at the same time, as it writes the same.
        retrain: Whether it belongs to a retrain: a night without one leaves it out.
        step: Module with its ``run(context)``; empty for ``sparkrec.steps.<name>``.
    """

    name: str
    description: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    from_outside: tuple[str, ...] = ()
    resources: dict[str, str] = field(default_factory=dict)
    alone_with: str = ""
    retrain: bool = False
    step: str = ""
