import pandas as pd
import pytest

from sparkrec.report import ReportContent, RowAccount, TrainingCurve


def test_a_row_with_two_reasons_counts_once() -> None:
    rows = RowAccount(landed=10, kept=6, duplicates=1, refused={"no_price": 2, "no_price + item_id_missing": 1})
    assert rows.refused_rows == 3
    assert rows.adds_up()


@pytest.mark.parametrize(("landed", "unaccounted"), [(12, 2), (9, -1)])
def test_lost_and_doubled_rows_are_noticed(landed: int, unaccounted: int) -> None:
    rows = RowAccount(landed=landed, kept=6, duplicates=1, refused={"no_price": 3})
    assert rows.unaccounted == unaccounted
    assert not rows.adds_up()


def test_the_best_epoch_is_the_one_that_ranked_the_validation_samples_best(content: ReportContent) -> None:
    by_fold = {curve.fold: curve for curve in content.training}
    assert by_fold["validation"].best_epoch == 5
    assert by_fold["publish"].best_epoch is None


@pytest.mark.parametrize(
    ("steps", "checksums", "agree"),
    [
        ([5, 5], ["a", "a"], True),
        ([5, 4], ["a", "a"], False),
        ([5, 5], ["a", "b"], False),
        ([5, 5], ["a", None], False),
    ],
)
def test_ranks_agree_on_steps_and_weights(steps: list[int], checksums: list[str | None], agree: bool) -> None:
    ranks = pd.DataFrame({"rank": [0, 1], "rows": [9, 8], "steps": steps, "checksum": checksums})
    assert TrainingCurve("two_tower", "1", "test", pd.DataFrame(), ranks).ranks_agree is agree
