"""Facts of a Delta table that its log says without a Spark job."""

import json

from sparkrec.lake import files


def newest_version(table: str) -> int | None:
    """The newest version of the table at this path; None where there is no table."""
    commits = [name.removesuffix(".json") for name in files.file_names(f"{table}/_delta_log")]
    versions = [int(name) for name in commits if name.isdigit()]
    return max(versions) if versions else None


def metric_of_commit(table: str, version: int, name: str) -> int:
    """What a commit says of itself, such as numOutputRows, the rows that it wrote; 0 where it does not."""
    for line in files.read_bytes(f"{table}/_delta_log/{version:020d}.json").splitlines():
        metrics = json.loads(line).get("commitInfo", {}).get("operationMetrics", {})
        if name in metrics:
            return int(metrics[name])
    return 0
