"""How many slips of the keyboard lie between two words."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf


def osa_distances(left: Sequence[str], right: Sequence[str]) -> npt.NDArray[np.int32]:
    """Optimal string alignment distance of each pair: letters missing, too many, other ones, or two swapped.

    The restricted form of Damerau's distance (Communications of the ACM 7, 1964): no stretch is edited twice. The
    dynamic programme of Wagner and Fischer (Journal of the ACM 21, 1974) runs over all pairs at once.
    """
    a, a_length = _letters(left)
    b, b_length = _letters(right)
    found = np.where(a_length == 0, b_length, 0)
    before = row = np.tile(np.arange(b.shape[1] + 1, dtype=np.int32), (len(found), 1))
    for i in range(1, a.shape[1] + 1):
        before, above, row = row, before, np.empty_like(row)
        row[:, 0] = i
        for j in range(1, b.shape[1] + 1):
            other = a[:, i - 1] != b[:, j - 1]
            least = np.minimum(before[:, j - 1] + other, np.minimum(before[:, j], row[:, j - 1]) + 1)
            if i > 1 and j > 1:
                swapped = (a[:, i - 1] == b[:, j - 2]) & (a[:, i - 2] == b[:, j - 1])
                least = np.where(swapped, np.minimum(least, above[:, j - 2] + 1), least)
            row[:, j] = least
        ends = a_length == i
        found[ends] = row[ends, b_length[ends]]
    return found.astype(np.int32)


def osa_distance(left: Column, right: Column) -> Column:
    """`osa_distances` of two columns of texts."""

    def distances(left: pd.Series, right: pd.Series) -> pd.Series:
        return pd.Series(osa_distances(list(left), list(right)), dtype="int32")

    return pandas_udf(distances, "int")(left, right)  # type: ignore[call-overload, no-any-return]


def _letters(words: Sequence[str]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Code points, one row a word, zeros behind, and lengths."""
    texts = np.array([*words, ""], dtype=str)
    letters = texts.view(np.uint32).reshape(len(texts), -1)
    return letters[:-1], np.char.str_len(texts)[:-1]
