"""Scores as a matrix of users and items, which the models' own are compared with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparkrec.recommend.item_lists import ItemLists
from sparkrec.recommend.pairs import Indices
from sparkrec.recommend.scorers.scorer import Best, UserScores
from sparkrec.recommend.users import Floats


class DenseScores(UserScores):
    """Scores of every item, (users, items), of which only the known ones count."""

    def __init__(self, scores: NDArray[Any], known: NDArray[np.bool_]) -> None:
        self.scores, self.known = scores.astype(np.float32), known

    @property
    def moments(self) -> tuple[NDArray[Any], NDArray[Any]]:
        among = self.scores[:, self.known].astype(np.float64)
        return among.mean(axis=1), among.std(axis=1)

    def at(self, users: Indices, items: Indices) -> Floats:
        return np.asarray(self.scores[users, items], np.float32)

    def best(self, hidden: ItemLists, most: int) -> Best:
        visible = np.tile(self.known, (len(self.scores), 1))
        visible[hidden.owners, hidden.items] = False
        items = np.full((len(self.scores), most), -1, np.int32)
        scores = np.full((len(self.scores), most), -np.inf, np.float32)
        for user, (row, shows) in enumerate(zip(self.scores, visible, strict=True)):
            listed = sorted(np.flatnonzero(shows).tolist(), key=lambda item: (-row[item], item))[:most]
            items[user, : len(listed)], scores[user, : len(listed)] = listed, row[listed]
        return Best(items, scores)


def lists_of(shows: NDArray[np.bool_]) -> ItemLists:
    """A list a user of the items that are marked, (users, items)."""
    users, items = np.nonzero(shows)
    return ItemLists(np.concatenate([[0], np.cumsum(np.bincount(users, minlength=len(shows)))]), items)


def as_matrix(scores: UserScores, users: int, items: int) -> NDArray[np.float32]:
    """Every pair's score, (users, items)."""
    row, item = np.divmod(np.arange(users * items), items)
    return scores.at(row, item).reshape(users, items)


def check_same(found: UserScores, wanted: DenseScores, hidden: ItemLists) -> None:
    """Check that scores are those of a matrix, in every way that they can be asked for."""
    users, items = wanted.scores.shape
    row, item = np.nonzero(np.tile(wanted.known, (users, 1)))
    np.testing.assert_allclose(found.at(row, item), wanted.at(row, item), rtol=1e-5, atol=1e-6)
    for moment, expected in zip(found.moments, wanted.moments, strict=True):
        np.testing.assert_allclose(moment, expected, rtol=1e-5, atol=1e-6)
    exact = DenseScores(as_matrix(found, users, items), wanted.known)
    for most in (1, 3, items + 2):
        best, expected_best = found.best(hidden, most), exact.best(hidden, most)
        np.testing.assert_array_equal(best.items, expected_best.items)
        np.testing.assert_allclose(best.scores, expected_best.scores, rtol=1e-5, atol=1e-6)
