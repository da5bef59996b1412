"""What of this process's environment its ranks get: what is named here, so that a secret is not among it by chance."""

import fnmatch
import os
import sys
from collections.abc import Mapping
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


def rank_environment(uri: str) -> dict[str, str]:
    """The environment of a rank, with quiet libraries.

    Each rank's Horovod asks the others once a cycle what is ready. Every millisecond, as it would by itself, that takes
    a tenth of the core that the rank computes on; every five, two ranks on two cores are faster by as much.

    Args:
        uri: Path or URI of what the ranks read and write.
    """
    # Spark says s3a where others say s3.
    scheme = uri.partition("://")[0].replace("s3a", "s3") if "://" in uri else ""
    names = (*ALLOWED, *OF_STORES.get(scheme, ()))
    own = {
        "HOROVOD_CYCLE_TIME": os.environ.get("HOROVOD_CYCLE_TIME", "5"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        "PYTHONUNBUFFERED": "1",
        # Petastorm uses what pyarrow has been deprecating.
        "PYTHONWARNINGS": "ignore::FutureWarning",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    kept = {name: value for name, value in os.environ.items() if any(fnmatch.fnmatchcase(name, one) for one in names)}
    return kept | own


def of_processes(uri: str) -> dict[str, str]:
    """`rank_environment` of ranks that this process starts: their temporary files go with it."""
    return rank_environment(uri) | {"TMPDIR": scratch_folder()}


def of_executors(uri: str) -> dict[str, str | None]:
    """`rank_environment` of ranks that Spark's executors start, in addition to what these have themselves.

    None takes a variable away: on one machine executors are of this process's environment, but for where their
    temporary files go.
    """
    return dict.fromkeys(name for name in os.environ if name != "TMPDIR") | rank_environment(uri)
