import numpy as np
import pytest
from pyspark.sql import DataFrame

from sparkrec.evaluation.choose import Candidates, candidates, choose_blend
from sparkrec.registry.model_store import CurrentModels

Dense = dict[str, np.ndarray]
USERS, WIDTH = 60, 20


def _candidates(*scores: np.ndarray) -> Candidates:
    """Users whose only target is their first candidate."""
    stacked = np.stack(scores).astype(np.float32)
    relevant = np.zeros(stacked.shape[1:], bool)
    relevant[:, 0] = True
    # Ties go to the lower index: the target must win by its score.
    return Candidates(stacked[..., ::-1], relevant[:, ::-1], np.ones(len(relevant), np.int64))


def test_two_models_that_know_half_of_the_users_each_are_mixed() -> None:
    random = np.random.default_rng(1)
    noise, good, also = random.normal(0, 0.3, (3, USERS, WIDTH))
    good[: USERS // 2, 0] += 4
    also[USERS // 2 :, 0] += 4

    choice = choose_blend(_candidates(noise, good, also), ["noise", "good", "also"], 10)

    assert choice.weights == {"good": 0.5, "also": 0.5}
    assert choice.value == 1.0


def test_a_model_is_taken_again_where_it_should_weigh_more() -> None:
    # Only twice the first and once the second puts the target in front, for every user.
    first = np.tile([1.0, 0.0, 1.2], (USERS, 1))
    second = np.tile([0.0, 1.5, -1.0], (USERS, 1))

    choice = choose_blend(_candidates(first, second), ["first", "second"], 1)

    assert choice.weights == pytest.approx({"first": 2 / 3, "second": 1 / 3})
    assert choice.value == 1.0


def test_a_single_model_is_chosen_where_no_blend_is_better() -> None:
    random = np.random.default_rng(1)
    noise, other = random.normal(0, 3, (2, USERS, WIDTH))
    best = random.normal(0, 0.3, (USERS, WIDTH))
    best[:, 0] += 4

    choice = choose_blend(_candidates(noise, best, other), ["noise", "best", "other"], 10)

    assert choice.weights == {"best": 1.0}
    assert choice.value == 1.0


def test_of_equal_models_the_earlier_is_chosen() -> None:
    scores = np.random.default_rng(1).normal(size=(USERS, WIDTH))

    assert choose_blend(_candidates(scores, scores), ["one", "two"], 10).weights == {"one": 1.0}
    assert choose_blend(_candidates(scores, scores), ["two", "one"], 10).weights == {"two": 1.0}


def test_a_blend_is_never_worse_than_its_best_model() -> None:
    random = np.random.default_rng(4)
    scores = random.normal(size=(5, USERS, WIDTH))
    scores[:, :, 0] += random.random((5, 1))
    names = list("abcde")

    single = [choose_blend(_candidates(values), [name], 10).value for name, values in zip(names, scores, strict=True)]
    choice = choose_blend(_candidates(*scores), names, 10)

    assert choice.value > max(single) + 1e-4
    assert sum(choice.weights.values()) == pytest.approx(1)


def test_without_users_there_is_nothing_to_choose() -> None:
    nobody = Candidates(np.zeros((1, 0, 1), np.float32), np.zeros((0, 1), bool), np.zeros(0, np.int64))

    with pytest.raises(ValueError, match="no validation user"):
        choose_blend(nobody, ["a"], 10)


@pytest.mark.parametrize("shelf", ["discover", "reorder"])
def test_candidates_are_the_first_items_of_each_model_with_all_models_scores(
    users: DataFrame, current: CurrentModels, shop: Dense, scores: Dense, shelf: str
) -> None:
    names, depth = ["als", "popularity"], 3
    hidden = np.tile(~shop["known"], (len(shop["bought"]), 1))
    targets = shop["targets"] & shop["known"]
    if shelf == "discover":
        hidden, targets = hidden | shop["interacted"], targets & ~shop["bought"]

    found = candidates(
        users.coalesce(1).sortWithinPartitions("user_id"), current, "validation", names, ["discover", "reorder"], depth
    )[shelf]

    counted = np.flatnonzero(targets.any(axis=1))
    np.testing.assert_array_equal(found.targets, targets[counted].sum(axis=1))
    assert found.scores.shape == (2, *found.relevant.shape)
    for place, user in enumerate(counted):
        visible = np.flatnonzero(~hidden[user])
        first = {
            item
            for name in names
            for item in sorted(visible, key=lambda i: (-np.float32(scores[name][user, i]), i))[:depth]
        }
        union = sorted(first)
        np.testing.assert_array_equal(found.relevant[place, : len(union)], targets[user, union])
        assert not found.relevant[place, len(union) :].any()
        for name, values in zip(names, found.scores[:, place], strict=True):
            np.testing.assert_allclose(values[: len(union)], scores[name][user, union], rtol=1e-4, atol=1e-5)
            assert (values[len(union) :] == -np.inf).all()


def test_candidates_of_no_users_are_none(users: DataFrame, current: CurrentModels) -> None:
    found = candidates(users.where("false"), current, "validation", ["als"], ["discover"], 3)["discover"]

    assert found.targets.shape == (0,)
    assert found.scores.shape[:2] == (1, 0)
