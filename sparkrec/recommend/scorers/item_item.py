"""Item-to-item models: a user's score of an item is the sum of the weights from what the user has."""

from functools import cached_property

import numpy as np
from scipy import sparse

from sparkrec.recommend.pairs import Indices, find, first_of_each, keys, slices, stored
from sparkrec.recommend.scorers.scorer import Scorer, UserScores
from sparkrec.recommend.scorers.sparse_scores import SharedScores, SparseScores
from sparkrec.recommend.users import Floats, UserBatch

_PARTS = ("values", "columns", "starts")


class ItemItem(Scorer):
    """Weights from what a user has to what is scored, few of each item: a CSR matrix (items, items) in three arrays,
    ``values``, ``columns`` and ``starts`` (`sparkrec.lake.model_tables.item_arrays`).

    Optional ``half_life_days``: what the user has counts the less the older it is. Optional ``own_weight``: what an
    event of the user with the very item adds.
    """

    @cached_property
    def weights(self) -> sparse.csr_matrix:
        """The weights, (items, items)."""
        items = len(self.arrays["starts"]) - 1
        return sparse.csr_matrix(tuple(self.arrays[name] for name in _PARTS), (items, items))

    @cached_property
    def _nothing(self) -> SharedScores:
        return SharedScores.of(np.zeros(len(self.known), np.float32), self.known)

    def of(self, users: UserBatch) -> UserScores:
        """Sum of the weights from the user's items."""
        has = users.decayed(float(self.arrays["half_life_days"])) if "half_life_days" in self.arrays else users.bought
        scores = has @ self.weights
        if "own_weight" in self.arrays:
            scores = scores + np.float32(self.arrays["own_weight"]) * users.events
        return SparseScores(self._nothing, sparse.csr_matrix(scores))

    def heaviest(self, users: UserBatch, rows: Indices, items: Indices) -> Indices:
        """The item of each pair's user that weighs most towards the pair's item; 0 where none does.

        Of equals it is the lower one.

        Args:
            users: The users.
            rows: Row of each pair's user, (pairs,).
            items: Its item, (pairs,).
        """
        owners, has = stored(users.events)
        starts, lengths = self.weights.indptr[has], np.diff(self.weights.indptr)[has]
        links = slices(starts.astype(np.int64), lengths.astype(np.int64))
        catalogue = self.weights.shape[1]
        towards = keys(np.repeat(owners, lengths), self.weights.indices[links], catalogue)
        wanted = keys(rows, items, catalogue)
        kept = find(towards, np.sort(wanted))[1] & (self.weights.data[links] > 0)
        towards, weights, by = towards[kept], self.weights.data[links][kept], np.repeat(has, lengths)[kept]
        order = np.lexsort((by, -weights, towards))
        pairs, first = np.unique(towards[order], return_index=True)
        places, there = find(wanted, pairs)
        found = np.zeros(len(wanted), np.int64)
        found[there] = by[order][first][places[there]]
        return found


def heaviest_of_rows(weights: sparse.csr_matrix, most: int) -> sparse.csr_matrix:
    """The ``most`` greatest of each row that are above 0; equals go to the lower column."""
    pairs = weights.tocoo()
    positive = pairs.data > 0
    row, column, value = pairs.row[positive], pairs.col[positive], pairs.data[positive]
    kept, _ = first_of_each(row.astype(np.int64), column.astype(np.int64), value, most)
    found = sparse.csr_matrix((value[kept], (row[kept], column[kept])), weights.shape)
    found.sort_indices()
    return found


def strongest_of_rows(weights: Floats, most: int) -> sparse.csr_matrix:
    """The ``most`` of each row that are farthest from 0, whether above or below it.

    Args:
        weights: (rows, items).
        most: Weights of a row.
    """
    most = min(most, weights.shape[1])
    columns = np.sort(np.argpartition(-np.abs(weights), most - 1, axis=1)[:, :most], axis=1)
    values = np.take_along_axis(weights, columns, 1)
    starts = np.arange(len(weights) + 1) * most
    found = sparse.csr_matrix((values.ravel(), columns.ravel(), starts), (len(weights), weights.shape[1]))
    found.eliminate_zeros()
    return found
