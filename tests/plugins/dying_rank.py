"""Ranks of which the last is killed behind the third step of the first fold."""

import os
import signal
from typing import Any

from sparkrec.training import loop, rank

_make_train_step = loop.make_train_step


def train_rank(plan_uri: str) -> None:
    """As sparkrec.training.rank.train_rank, until then."""
    loop.make_train_step = _dying
    rank.train_rank(plan_uri)


def _dying(model: Any, optimizer: Any, ranks: Any, *options: Any) -> Any:
    step = _make_train_step(model, optimizer, ranks, *options)
    made = 0

    def dying_step(batch: Any) -> Any:
        nonlocal made
        made += 1
        if made == 4 and ranks.rank == ranks.size - 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(batch)

    return dying_step
