import math
import re
from xml.etree import ElementTree

import pandas as pd
import pytest

from sparkrec.report import charts
from sparkrec.report.charts import Scale
from sparkrec.report.quality import Score

SCALE = Scale.around(0.0, 0.2, 4)


def classes(drawing: str) -> list[str]:
    """The classes of the elements, in their order."""
    return [str(element.get("class")) for element in ElementTree.fromstring(drawing).iter() if element.get("class")]


@pytest.mark.parametrize(
    ("low", "high", "ticks", "labels"),
    [
        (0.0, 0.095, (0.0, 0.02, 0.04, 0.06, 0.08, 0.1), ["0.00", "0.02", "0.04", "0.06", "0.08", "0.10"]),
        (4.65, 6.41, (4.5, 5.0, 5.5, 6.0, 6.5), ["4.5", "5.0", "5.5", "6.0", "6.5"]),
        (-3.0, 7.0, (-4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0), ["-4", "-2", "0", "2", "4", "6", "8"]),
        (1200.0, 5000.0, (1000.0, 2000.0, 3000.0, 4000.0, 5000.0), ["1,000", "2,000", "3,000", "4,000", "5,000"]),
    ],
)
def test_a_scale_has_round_ticks_around_its_numbers(
    low: float, high: float, ticks: tuple[float, ...], labels: list[str]
) -> None:
    scale = Scale.around(low, high, 4)
    assert scale.ticks == ticks
    assert [scale.label(tick) for tick in scale.ticks] == labels
    assert scale.low <= low
    assert high <= scale.high


@pytest.mark.parametrize("value", [0.0, 3.0, -2.0])
def test_a_scale_around_one_number_has_room(value: float) -> None:
    assert 0 < Scale.around(value, value, 4).percent(value) < 100


def test_a_strip_lies_where_its_figures_say() -> None:
    drawn = charts.strip(Score(0.1, 0.05, 0.15, 9), SCALE, "baseline")
    assert 'class="interval" x1="25.00%" x2="75.00%"' in drawn
    assert '<circle class="mark" cx="50.00%"' in drawn


def test_deep_models_are_diamonds_and_baselines_circles() -> None:
    score = Score(0.1, 0.05, 0.15, 9)
    assert "<circle" not in charts.strip(score, SCALE, "deep published")
    assert "<path" not in charts.strip(score, SCALE, "baseline published")


def test_a_strip_without_a_value_is_only_its_grid() -> None:
    nothing = Score(math.nan, math.nan, math.nan, 0)
    assert set(classes(charts.strip(nothing, SCALE, "baseline", reference=0.1))) == {
        "strip baseline",
        "grid",
        "reference",
    }


def test_a_stacked_bar_is_cut_in_proportion_and_named() -> None:
    drawing = ElementTree.fromstring(charts.stacked_bar([("kept", 75), ("duplicates", 5), ("refused", 20)]))
    assert [rect.get("width") for rect in drawing.iter("rect")] == ["75.00%", "5.00%", "20.00%"]
    assert [rect.get("x") for rect in drawing.iter("rect")] == ["0.00%", "75.00%", "80.00%"]
    assert drawing.get("aria-label") == "75 kept, 5 duplicates, 20 refused"


@pytest.mark.parametrize(("value", "largest", "width"), [(2, 8, "25.00%"), (0, 0, "0.00%"), (math.nan, 8, "0.00%")])
def test_a_bar_is_as_long_as_its_part(value: float, largest: float, width: str) -> None:
    assert f'class="fill" width="{width}"' in charts.bar(value, largest)


def test_a_sparkline_goes_from_the_least_value_to_the_greatest() -> None:
    drawing = ElementTree.fromstring(charts.sparkline([-1.0, 0.0, 0.5, 3.0]))
    line = drawing.find("polyline")
    assert line is not None
    assert line.get("points") == "0,20.0 33,15.0 67,12.5 100,0.0"


def test_a_sparkline_of_one_value_is_flat() -> None:
    assert 'points="0,10.0 50,10.0 100,10.0"' in charts.sparkline([7.0, 7.0, 7.0])


def test_loss_curves_ring_the_best_epoch_and_break_where_a_loss_is_missing() -> None:
    epochs = pd.DataFrame(
        {"epoch": [1, 2, 3, 4], "loss": [4.0, 3, math.inf, 2], "validation_loss": [4.5, 3.5, 3.2, 3.4]}
    )
    drawing = ElementTree.fromstring(charts.loss_curves(epochs, 3))
    training, validation = (drawing.find(f".//g[@class='{name}']") for name in ("training", "validation"))
    assert training is not None
    assert validation is not None
    assert (len(training.findall("line")), len(training.findall("circle"))) == (1, 3)
    assert (len(validation.findall("line")), len(validation.findall("circle"))) == (3, 5)
    assert len(drawing.findall(".//circle[@class='ring']")) == 1
    assert "epoch 3, validation loss: 3.200" in charts.loss_curves(epochs, 3)


def test_one_epoch_is_a_point_in_the_middle() -> None:
    drawn = charts.loss_curves(pd.DataFrame({"epoch": [1], "loss": [4.0], "validation_loss": [math.nan]}), None)
    assert re.search(r'<circle cx="50.00%" cy="50.00%"', drawn)


def test_many_epochs_do_not_crowd_the_axis() -> None:
    numbers = list(range(1, 101))
    epochs = pd.DataFrame({"epoch": numbers, "loss": [1 / n for n in numbers], "validation_loss": [math.nan] * 100})
    assert charts.loss_curves(epochs, None).count('dy="18"') <= 8


def test_a_training_that_diverged_at_once_says_so() -> None:
    epochs = pd.DataFrame({"epoch": [1], "loss": [math.nan], "validation_loss": [math.nan]})
    assert "No finite loss" in charts.loss_curves(epochs, None)
