import numpy as np
import pyarrow as pa

from sparkrec.recommend.item_lists import ItemLists

LISTS = ItemLists.of_arrow(pa.array([[5, 1, 3000], None, [], [7, 1029]], pa.list_(pa.int32())))


def test_lists_of_arrow_hold_nothing_where_there_is_none() -> None:
    assert LISTS.starts.tolist() == [0, 3, 3, 3, 5]
    assert LISTS.items.tolist() == [5, 1, 3000, 7, 1029]
    assert LISTS.owners.tolist() == [0, 0, 0, 3, 3]


def test_lists_of_a_part_of_an_arrow_array() -> None:
    part = ItemLists.of_arrow(pa.array([[1], [2, 3], [4]], pa.list_(pa.int32()))[1:])

    assert (part.starts.tolist(), part.items.tolist()) == ([0, 2, 3], [2, 3, 4])


def test_lists_of_some_users_in_their_order() -> None:
    some = LISTS.of(np.array([3, 1, 0]))

    assert (some.starts.tolist(), some.items.tolist()) == ([0, 2, 2, 5], [7, 1029, 5, 1, 3000])


def test_items_get_other_numbers_and_those_without_one_go() -> None:
    places = np.full(3001, -1)
    places[[1, 7, 3000]] = [0, 1, 2]

    moved = LISTS.at(places)

    assert (moved.starts.tolist(), moved.items.tolist()) == ([0, 2, 2, 2, 3], [0, 2, 1])


def test_a_list_holds_its_own_items_and_none_that_only_looks_like_them() -> None:
    # 1029 and 5 share their last ten bits, as do 3000 and 952.
    candidates = np.array([[5, 1029, 952, 3000], [5, 1, -1, 7], [-1, 0, 1, 2], [1029, 5, 7, -1]])

    assert LISTS.hold(candidates, 3001).tolist() == [
        [True, False, False, True],
        [False] * 4,
        [False] * 4,
        [True, False, True, False],
    ]
