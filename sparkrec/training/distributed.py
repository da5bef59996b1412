"""Ranks and their exchange: the only importer of Horovod."""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import horovod.tensorflow as hvd
import keras
import tensorflow as tf

from sparkrec.config.settings import TrainingSettings
from sparkrec.errors import DataError


class Ranks:
    """This process among the ranks of the job.

    Attributes:
        rank: Which one, from 0.
        size: How many there are.
    """

    def __init__(self) -> None:
        hvd.init()
        self.rank: int = hvd.rank()
        self.size: int = hvd.size()
        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            tf.config.set_visible_devices(gpus[hvd.local_rank()], "GPU")
        threads = max(1, len(os.sched_getaffinity(0)) // hvd.local_size())
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(2)

    def average_gradients(self, tape: tf.GradientTape) -> tf.GradientTape:
        """A tape whose gradients are the mean over all ranks; sparse ones become dense."""
        return hvd.DistributedGradientTape(tape, sparse_as_dense=True)

    def same_start(self, variables: Sequence[keras.Variable]) -> None:
        """Give every rank the values of rank 0."""
        hvd.broadcast_variables([variable.value for variable in variables], root_rank=0)

    def mean(self, value: float, weight: float) -> float:
        """Weighted mean of a figure over the ranks."""
        total = hvd.allreduce(tf.constant([value * weight, weight], tf.float64), op=hvd.Sum)
        return float(total[0] / total[1]) if float(total[1]) else float("nan")

    def gather(self, record: Any) -> list[Any]:
        """One small object of every rank, in the ranks' order, on every rank."""
        return list(hvd.allgather_object(record))

    def decide(self, decision: Any) -> Any:
        """What rank 0 decided."""
        return hvd.broadcast_object(decision, root_rank=0)

    @staticmethod
    def stop() -> None:
        """Leave the job."""
        hvd.shutdown()


def launch(settings: TrainingSettings, function: Callable[[str], Any], argument: str) -> None:
    """Run ``function(argument)`` on every rank and wait.

    ``function`` is importable by name; ``argument`` is text, such as a path. What ranks print comes out
    here.

    Raises:
        DataError: A rank failed; the message says how to see why.
    """
    environment = _environment()
    name = f"{function.__module__}:{function.__name__}"
    if settings.launcher == "spark":
        import horovod.spark

        try:
            horovod.spark.run(
                function,
                args=(argument,),
                num_proc=settings.ranks,
                use_gloo=True,
                env=environment,
                stdout=sys.stdout,
                stderr=sys.stderr,
                start_timeout=settings.start_timeout_seconds,
                verbose=0,
            )
        except Exception as error:
            raise DataError(f"training stopped on {settings.ranks} Spark ranks: {error}") from error
        return
    code = "import sys; module, name = sys.argv[1].split(':'); getattr(__import__(module, fromlist=[name]), name)(sys.argv[2])"
    command = [sys.executable, "-c", code, name, argument]
    if settings.launcher == "horovodrun":
        horovodrun = os.path.join(os.path.dirname(sys.executable), "horovodrun")
        command = [horovodrun, "--gloo", "-np", str(settings.ranks), *command]
    status = subprocess.run(command, env=environment, check=False).returncode
    if status:
        raise DataError(f"training stopped with status {status}: {shlex.join(command[:4])} ...; its output is above")


def _environment() -> dict[str, str]:
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", "PYTHONUNBUFFERED": "1"}
    # Horovod's tasks start their own interpreter: they need the environment that this process has.
    return {**os.environ, **quiet, "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", "")}
