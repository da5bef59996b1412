import math

import numpy as np
import pyarrow as pa
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer  # type: ignore[import-untyped]

from sparkrec.recommend.queries.postings import Postings

TEXTS = [["red", "mug"], ["red", "red", "lamp", "shade"], [], ["oak", "rake"]]


@pytest.fixture(scope="module")
def postings() -> Postings:
    return Postings.of(pa.chunked_array([TEXTS]))


def test_bm25_by_hand(postings: Postings) -> None:
    scores = postings.bm25_scores(postings.counts([["red", "mug", "unknown"], ["red", "red"], []])).toarray()

    # Three texts have words, 8 / 3 on average.
    rare, common = math.log(1 + 2.5 / 1.5), math.log(1 + 1.5 / 2.5)
    short, long = (0.25 + 0.75 * length / (8 / 3) for length in (2, 4))
    once, twice = 2.2 / (1 + 1.2 * short), 2 * 2.2 / (2 + 1.2 * long)
    assert scores[0] == pytest.approx([(rare + common) * once, common * twice, 0, 0], rel=1e-6)
    # A word that stands twice in the query counts twice.
    assert scores[1] == pytest.approx([2 * common * once, 2 * common * twice, 0, 0], rel=1e-6)
    assert scores[2] == pytest.approx(np.zeros(4))


def test_cosines_are_those_of_scikit_learn(postings: Postings) -> None:
    queries = [["red", "mug"], ["red", "red", "rake"], ["unknown"]]

    found = postings.cosines(postings.counts(queries)).toarray()

    vectorizer = TfidfVectorizer(analyzer=list)
    expected = vectorizer.fit_transform(TEXTS)
    np.testing.assert_allclose(found, (vectorizer.transform(queries) @ expected.T).toarray(), atol=1e-6)


def test_no_text_and_no_word_answer_nothing() -> None:
    empty = Postings.of(pa.chunked_array([pa.array([[], None], pa.list_(pa.string()))]))

    assert empty.bm25_scores(empty.counts([["mug"]])).shape == (1, 2)
    assert empty.bm25_scores(empty.counts([["mug"]])).nnz == 0
    assert empty.cosines(empty.counts([["mug"]])).nnz == 0
