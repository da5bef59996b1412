import numpy as np
import pandas as pd
import pytest

from sparkrec.recommend.users import UserBatch

ROWS = pd.DataFrame(
    {
        "user_index": [4, 2, 9],
        "items": [np.array([1, 3]), np.array([2]), np.array([0, 3, 4])],
        "events": [np.array([2, 1]), np.array([5]), np.array([1, 1, 3])],
        "days_since": [np.array([0.0, 30.0]), np.array([60.0]), np.array([15.0, 0.0, 30.0])],
        "first_days_since": [np.array([9.0, 30.0]), np.array([80.0]), np.array([15.0, 0.0, 45.0])],
        "interacted": [np.array([1, 2, 3]), np.array([2]), np.array([0, 3, 4])],
    },
    index=[7, 8, 9],
)


@pytest.fixture
def batch() -> UserBatch:
    return UserBatch.of(ROWS, 5)


def test_a_batch_places_what_users_have_by_item(batch: UserBatch) -> None:
    assert batch.index.tolist() == [4, 2, 9]
    assert batch.events.todense().tolist() == [[0, 2, 0, 1, 0], [0, 0, 5, 0, 0], [1, 0, 0, 1, 3]]
    assert batch.days_since.todense().tolist() == [[0, 0, 0, 30, 0], [0, 0, 60, 0, 0], [15, 0, 0, 0, 30]]
    assert batch.first_days_since.todense().tolist() == [[0, 9, 0, 30, 0], [0, 0, 80, 0, 0], [15, 0, 0, 0, 45]]
    assert (batch.interacted.starts.tolist(), batch.interacted.items.tolist()) == ([0, 3, 4, 7], [1, 2, 3, 2, 0, 3, 4])
    assert (batch.owned.starts.tolist(), batch.owned.items.tolist()) == ([0, 2, 3, 6], [1, 3, 2, 0, 3, 4])
    assert batch.hidden("discover") is batch.interacted
    assert batch.hidden("reorder").lengths.tolist() == [0, 0, 0]


def test_items_that_the_models_do_not_know_are_left_out() -> None:
    batch = UserBatch.of(ROWS, 3)

    assert batch.events.todense().tolist() == [[0, 2, 0], [0, 0, 5], [1, 0, 0]]
    assert batch.days_since.todense().tolist() == [[0, 0, 0], [0, 0, 60], [15, 0, 0]]
    assert (batch.interacted.starts.tolist(), batch.interacted.items.tolist()) == ([0, 2, 3, 4], [1, 2, 2, 0])


def test_bought_is_1_for_each_item_however_often(batch: UserBatch) -> None:
    assert batch.bought.todense().tolist() == [[0, 1, 0, 1, 0], [0, 0, 1, 0, 0], [1, 0, 0, 1, 1]]


def test_an_item_of_today_counts_whole_and_half_after_each_half_life(batch: UserBatch) -> None:
    expected = [[0, 1, 0, 0.5, 0], [0, 0, 0.25, 0, 0], [0.5**0.5, 0, 0, 1, 0.5]]

    np.testing.assert_allclose(batch.decayed(30).todense(), expected, atol=1e-7)


def test_an_item_of_the_last_days_counts_1_and_an_older_one_0(batch: UserBatch) -> None:
    assert batch.within(15).todense().tolist() == [[0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 0, 0, 1, 0]]


def test_users_without_other_items_make_a_batch_of_their_own() -> None:
    rows = ROWS.assign(interacted=[np.array([], int)] * 3)

    assert not UserBatch.of(rows, 5).interacted.lengths.any()


def test_no_users_make_an_empty_batch() -> None:
    batch = UserBatch.of(ROWS.iloc[:0], 5)

    assert batch.events.shape == (0, 5)
    assert len(batch.interacted.lengths) == 0
