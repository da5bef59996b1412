"""What of this process's environment its ranks get: what is named here, so that a secret is not among it by chance."""

import fnmatch
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from sparkrec.scratch import scratch_folder

ALLOWED = (
    *("PATH", "HOME", "USER", "LANG", "LC_*", "TZ", "LD_LIBRARY_PATH", "LD_PRELOAD", "MALLOC_*", "PYTHON*"),
    *("HOROVOD_*", "GLOO_*", "NCCL_*", "CUDA_*", "NVIDIA_*", "OMP_*", "MKL_*", "OPENBLAS_*"),
    *("TF_*", "XLA_*", "KERAS_*", "SPARKREC_PROJECT"),
)
"""Variables that every rank gets, where they are set."""

OF_STORES: Mapping[str, tuple[str, ...]] = {
    "s3": ("AWS_*",),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS",),
    "hdfs": ("HADOOP_*", "JAVA_HOME", "CLASSPATH", "ARROW_LIBHDFS_DIR", "KRB5*"),
}
"""Further ones, by the scheme of the URI that ranks read shards from and write models to."""


def of_processes(uri: str) -> dict[str, str]:
    """The environment of ranks that this process starts; their temporary files go with it.

    Args:
        uri: Path or URI of what the ranks read and write.
    """
    return _named((*ALLOWED, *_of_store(uri))) | _own() | {"TMPDIR": scratch_folder()}


def of_executors(uri: str) -> dict[str, str | None]:
    """What ranks that Spark's executors start get in addition to the environment of these.

    None takes a variable away: on one machine executors have this process's environment. Temporary files and the
    credentials of the store stay those of the executor.

    Args:
        uri: As for `of_processes`.
    """
    kept = (*ALLOWED, *_of_store(uri), "TMPDIR")
    taken_away = {name: None for name in os.environ if not _is_among(name, kept)}
    return taken_away | _named(ALLOWED) | _own()


def _of_store(uri: str) -> tuple[str, ...]:
    scheme = uri.partition("://")[0] if "://" in uri else ""
    # Spark says s3a where others say s3.
    return OF_STORES.get(scheme.replace("s3a", "s3"), ())


def _own() -> dict[str, str]:
    """What ranks need besides, and what keeps libraries quiet.

    Each rank's Horovod asks the others once a cycle what is ready. Every millisecond, as it would by itself, that takes
    a tenth of the core that the rank computes on; every five, two ranks on two cores are faster by as much.
    """
    return {
        "HOROVOD_CYCLE_TIME": os.environ.get("HOROVOD_CYCLE_TIME", "5"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        "PYTHONUNBUFFERED": "1",
        # Petastorm uses what pyarrow has been deprecating.
        "PYTHONWARNINGS": "ignore::FutureWarning",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


def _named(patterns: Iterable[str]) -> dict[str, str]:
    """The variables of this process that patterns name."""
    return {name: value for name, value in os.environ.items() if _is_among(name, patterns)}


def _is_among(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
