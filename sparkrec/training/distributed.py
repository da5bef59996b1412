"""Ranks and their exchange: the only importer of Horovod."""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from sparkrec.compat import require
from sparkrec.config.settings import TrainingSettings
from sparkrec.errors import ConfigurationError, DataError
from sparkrec.file_systems import storage_trouble
from sparkrec.masking import mask
from sparkrec.training.rank_environment import of_executors, of_processes
from sparkrec.unexpected import cut

PROGRESS = "sparkrec: "
"""What a rank's lines of progress start with; everything else that it prints is shown only when it fails."""

_LAST_LINES = 25


class Ranks:
    """This process among the ranks of the job; the only one where Horovod is not installed.

    Attributes:
        rank: Which one, from 0.
        size: How many there are.
    """

    def __init__(self) -> None:
        # The process that launches the ranks needs no TensorFlow.
        import tensorflow as tf

        self._hvd, self._tf = _horovod(), tf
        self.rank, self.size, local_rank, local_size = 0, 1, 0, 1
        if hvd := self._hvd:
            hvd.init()
            self.rank, self.size = int(hvd.rank()), int(hvd.size())
            local_rank, local_size = int(hvd.local_rank()), int(hvd.local_size())
        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            tf.config.set_visible_devices(gpus[local_rank], "GPU")
        threads = max(1, len(os.sched_getaffinity(0)) // local_size)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(2)

    def mean_gradients(self, gradients: Sequence[Any], compress: bool = False) -> list[Any]:
        """Mean of the gradients over all ranks.

        Dense ones are added up, in one exchange. Of sparse ones each rank gets the others' rows, in one more.

        Args:
            gradients: Of this rank: tensors and `tf.IndexedSlices`, of the same variables on all ranks.
            compress: Whether dense ones travel in half precision.

        Returns:
            Likewise; a row that several ranks touched stands in `tf.IndexedSlices` as often.
        """
        found = list(gradients)
        if self.size == 1:
            return found
        hvd, tf = self._hvd, self._tf
        sparse = [place for place, one in enumerate(found) if isinstance(one, tf.IndexedSlices)]
        dense = [place for place in range(len(found)) if place not in sparse]
        if dense:
            compression = hvd.Compression.fp16 if compress else hvd.Compression.none
            mean = hvd.grouped_allreduce([found[place] for place in dense], op=hvd.Average, compression=compression)
            for place, gradient in zip(dense, mean, strict=True):
                found[place] = gradient
        if sparse:
            # A row travels with its number behind its values, whose bits stand for a float.
            rows = [tf.cast(found[place].indices, "int32")[:, None] for place in sparse]
            told = [
                tf.concat([found[place].values / self.size, tf.bitcast(numbers, "float32")], axis=1)
                for place, numbers in zip(sparse, rows, strict=True)
            ]
            for place, heard in zip(sparse, hvd.grouped_allgather(told), strict=True):
                numbers = tf.cast(tf.bitcast(heard[:, -1], "int32"), found[place].indices.dtype)
                found[place] = tf.IndexedSlices(heard[:, :-1], numbers, found[place].dense_shape)
        return found

    def same_start(self, variables: Sequence[Any]) -> None:
        """Give every rank rank 0's values of Keras variables."""
        if self.size == 1:
            return
        self._hvd.broadcast_variables([variable.value for variable in variables], root_rank=0)

    def mean(self, value: float, weight: float) -> float:
        """Weighted mean of a figure over the ranks; NaN where no rank has a weight."""
        if self.size == 1:
            return value if weight else float("nan")
        total = self._hvd.allreduce(self._tf.constant([value * weight, weight], "float64"), op=self._hvd.Sum)
        return float(total[0] / total[1]) if float(total[1]) else float("nan")

    def gather(self, record: Any) -> list[Any]:
        """One small object of every rank, in the ranks' order, on every rank."""
        return [record] if self.size == 1 else list(self._hvd.allgather_object(record))

    def decide(self, decision: Any) -> Any:
        """What rank 0 decided."""
        return decision if self.size == 1 else self._hvd.broadcast_object(decision, root_rank=0)

    def say(self, line: str) -> None:
        """Tell the launching process a line of progress."""
        print(PROGRESS + line, flush=True)

    def stop(self) -> None:
        """Leave the job."""
        if self._hvd:
            self._hvd.shutdown()


def _has_horovod() -> bool:
    return importlib.util.find_spec("horovod") is not None


def _horovod() -> Any:
    """Horovod's exchange of TensorFlow tensors; None where it is not installed."""
    if not _has_horovod():
        return None
    import horovod.tensorflow

    return horovod.tensorflow


class RankOutput:
    """Stands where a text stream does: passes lines of progress on and keeps the last of the others.

    Args:
        say: Takes lines of progress.

    Attributes:
        last: The last of the other lines.
        trouble: What the storage first refused a rank.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._rest = ""
        self.last: deque[str] = deque(maxlen=_LAST_LINES)
        self.trouble: str | None = None

    def write(self, text: str) -> None:
        """Take what a rank printed, whole lines or parts of them."""
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            # Horovod puts the rank in front: [0]<stdout>:
            bare = re.sub(r"^\[\d+\]<std(out|err)>:", "", line)
            if bare.startswith(PROGRESS):
                self._say(bare.removeprefix(PROGRESS))
            elif bare.strip():
                self.last.append(line)
                self.trouble = self.trouble or storage_trouble(line)

    def flush(self) -> None:
        """Nothing is held back but a line's beginning."""


def check_launcher(launcher: str) -> None:
    """Refuse a launcher that needs Horovod where it is not installed, before hours of other work.

    Raises:
        ConfigurationError: It is not installed.
    """
    if launcher != "local" and not _has_horovod():
        raise ConfigurationError(
            f"training.launcher: {launcher} needs Horovod, which is not installed: "
            "pip install 'sparkrec[horovod]', which takes a C++ compiler, or --set training.launcher=local, one process"
        )


def launch(settings: TrainingSettings, target: str, argument: str, say: Callable[[str], None]) -> None:
    """Run a function on every rank and wait.

    Args:
        settings: Number of ranks and how to start them.
        target: The function as ``module:name``; it takes one text.
        argument: That text: a path or URI, of the store that the ranks read and write.
        say: Takes lines of progress.

    Raises:
        DataError: A rank failed; its notes are the last lines that the ranks printed.
    """
    output = RankOutput(say)
    failure = (
        _on_spark(settings, target, argument, output)
        if settings.launcher == "spark"
        else _as_processes(settings, target, argument, output)
    )
    if failure:
        failure = _first_to_end("\n".join([failure, *output.last])) or failure
        exceptions = [
            found[0] for line in output.last if (found := re.search(r"(?<![^:])[\w.]*(Error|Exception): .+", line))
        ]
        # Ranks that did not fail say at length that Horovod has been shut down; the storage says why one did.
        causes = [output.trouble] if output.trouble else exceptions
        cause = f": {causes[-1]}" if causes else ""
        error = DataError(cut(f"training stopped ({settings.launcher}, {settings.ranks} ranks): {failure}{cause}"))
        error.add_note(mask("\n".join(output.last)))
        raise error


def _first_to_end(told: str) -> str | None:
    """What Horovod says of the rank that ended the job, in a line; None where it says nothing of the kind."""
    found = re.search(r"Process name: (\d+)\s+(?:\S*\s)?Exit code: (-?\d+)", told)
    if not found:
        return None
    rank, status = int(found[1]), int(found[2])
    # A shell says 128 more than the signal, Python its negative.
    number = -status if status < 0 else status - 128
    by = f" ({signal.Signals(number).name})" if number in {one.value for one in signal.Signals} else ""
    return f"rank {rank} was the first to end, with exit status {status}{by}"


def call(target: str, argument: str) -> None:
    """Import ``module:name`` and call it; what a rank starts with."""
    module, _, name = target.partition(":")
    getattr(__import__(module, fromlist=[name]), name)(argument)


def horovodrun() -> None:
    """Horovod's command of this name, for ranks of this machine, which inherit their environment.

    Horovod by itself repeats the environment on the command line of each rank, which every user of the machine reads.
    """
    require("horovod", "0.28")
    from horovod.runner import launch as horovod_launch
    from horovod.runner.common.util import env

    # What is not exported is inherited; Horovod's own variables differ from rank to rank.
    env.IGNORE_REGEXES.add("(?!HOROVOD_)")
    horovod_launch.run_commandline()


def _on_spark(settings: TrainingSettings, target: str, argument: str, output: RankOutput) -> str | None:
    import horovod.spark

    # To see whether Gloo is there, Horovod loads TensorFlow in a child of this process.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    told_of_threads = threading.excepthook
    # Horovod starts Spark's job in a thread, whose end it tells by itself; Python would print its traceback, too.
    threading.excepthook = lambda ended: None
    try:
        horovod.spark.run(
            call,
            args=(target, argument),
            num_proc=settings.ranks,
            use_gloo=True,
            env=of_executors(argument),
            stdout=output,
            stderr=output,
            start_timeout=settings.start_timeout_seconds,
            verbose=0,
        )
    except Exception as error:
        return str(error)
    finally:
        threading.excepthook = told_of_threads
    return None


def _as_processes(settings: TrainingSettings, target: str, argument: str, output: RankOutput) -> str | None:
    command = [sys.executable, "-c", "import sys; from sparkrec.training.distributed import call; call(*sys.argv[1:])"]
    if settings.launcher == "horovodrun":
        start = "from sparkrec.training.distributed import horovodrun; horovodrun()"
        command = [sys.executable, "-c", start, "--gloo", "-np", str(settings.ranks), *command]
    with subprocess.Popen(
        [*command, target, argument],
        env=of_processes(argument),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        for line in process.stdout or ():
            output.write(line)
    return f"exit status {process.returncode}" if process.returncode else None
