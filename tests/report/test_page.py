import pickle
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sparkrec.report import ReportContent, RowAccount, render, write
from sparkrec.report.page import Check, checks

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Balance(HTMLParser):
    """Fails on a tag that is closed out of order; keeps the text that people see and every id and link."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.shown: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src"):
                self.links.append(value or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.shown.append(data)


def parse(page: str) -> Balance:
    parsed = Balance()
    parsed.feed(page)
    parsed.close()
    assert parsed.open == []
    return parsed


def text(page: str) -> str:
    """What people read, blanks folded."""
    return " ".join(" ".join(parse(page).shown).split())


def row(page: str, start: str) -> str:
    """The text of the first table row that starts so."""
    rows = [text(found) for found in re.findall(r"<tr.*?</tr>", page, flags=re.DOTALL)]
    return next(one for one in rows if one.startswith(start))


def section(page: str, name: str) -> str:
    found = re.search(rf'<section id="{name}".*?</section>', page, flags=re.DOTALL)
    assert found is not None
    return found.group()


def test_every_link_of_the_contents_leads_somewhere_and_nothing_comes_from_outside(content: ReportContent) -> None:
    page = render(content)
    parsed = parse(page)
    assert len(set(parsed.ids)) == len(parsed.ids)
    inside = {link.removeprefix("#") for link in parsed.links if link.startswith("#")}
    assert inside <= set(parsed.ids)
    assert [link for link in parsed.links if not link.startswith("#")] == ["data_docs/index.html"]
    assert "<script" not in page
    assert "url(" not in page


def test_the_same_content_gives_the_same_bytes_in_another_process(content: ReportContent, tmp_path: Path) -> None:
    page = render(content)
    assert render(content) == page
    pickled = tmp_path / "content.pickle"
    pickled.write_bytes(pickle.dumps(content))
    script = (
        "import pathlib, pickle, sys, sparkrec.report as report;"
        "sys.stdout.write(report.render(pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())))"
    )
    again = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", script, str(pickled)],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={"PYTHONHASHSEED": "7"},
    )
    assert again.stdout == page


def test_the_package_needs_no_spark() -> None:
    script = "import sys, sparkrec.report; print(sorted({'pyspark', 'tensorflow', 'keras'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "[]"


def test_the_summary_holds_the_figures_that_people_want_first(content: ReportContent) -> None:
    summary = text(section(render(content), "summary"))
    for figure in ("541,909", "532,130", "98.2 %", "4,372", "3,921"):
        assert figure in summary
    assert "two-tower with item text 0.087 [0.080, 0.095] NDCG@10, test" in summary
    assert "+0.003 against the best baseline, ease: 0.084 [0.077, 0.092]" in summary
    assert "the user's own frequency 0.221 [0.214, 0.229]" in summary
    assert "+0.047 against the best deep model, two_tower: 0.174 [0.167, 0.182]" in summary


def test_what_comes_from_the_data_is_escaped(content: ReportContent) -> None:
    attack = "<script>alert('x')</script> & \"quotes\""
    user = content.users[0]
    page = render(
        replace(
            content,
            source=attack,
            run_id=attack,
            chosen={"discover": attack, "reorder": attack},
            rows=replace(content.rows, refused={attack: content.rows.refused_rows}),
            evaluations=content.evaluations.replace("two_tower", attack).replace("country=France", attack),
            training=tuple(replace(curve, model=attack) for curve in content.training),
            users=(
                replace(
                    user,
                    profile={attack: attack},
                    tags=(attack,),
                    history=user.history.assign(title=attack),
                    lists={attack: user.lists["discover"].assign(title=attack, reason=attack)},
                ),
            ),
            neighbours=tuple(replace(one, title=attack) for one in content.neighbours),
            jobs=content.jobs.assign(outcome="failed", message=attack),
            settings_text=attack,
        )
    )
    parse(page)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;quotes&#34;") > 20


def test_rows_that_add_up_are_shown_by_reason(content: ReportContent) -> None:
    rows = section(render(content), "rows")
    assert "✓ 541,909 landed = 532,130 kept + 5,268 duplicates + 4,511 refused." in text(rows)
    assert "alarm" not in rows
    assert row(rows, "no_price + quantity") == "no_price + quantity_not_positive 592 0.1 %"
    reasons = [text(found) for found in re.findall(r"<code>[a-z_ +]*</code>", rows)]
    assert reasons[:2] == ["not_a_product", "no_price"]
    assert row(rows, "All") == "All 4,511 0.8 %"


def test_rows_that_do_not_add_up_are_said_in_red(content: ReportContent) -> None:
    page = render(replace(content, rows=RowAccount(landed=100, kept=80, duplicates=5, refused={"no_price": 10})))
    alarm = re.search(r'<p class="alarm" role="alert">(.*?)</p>', section(page, "rows"))
    assert alarm is not None
    assert alarm.group(1) == (
        "The rows do not add up: 100 landed, but 80 kept + 5 duplicates + 10 refused = 95; the difference is 5."
    )
    assert re.search(r"\.alarm \{[^}]*color: var\(--bad\)", page)
    assert "✓ 100 landed" not in page


def test_training_shows_curves_and_both_ranks(content: ReportContent) -> None:
    training = section(render(content), "training")
    assert training.count('class="plot"') == 3
    assert "best, epoch 5" in text(training)
    assert row(training, "1 ") == "1 160,398 157 9e107d9d…"
    assert row(training, "All") == "All 320,839 ✓ equal"
    assert "no validation loss" in text(training)


def test_ranks_that_differ_are_said_in_red(content: ReportContent) -> None:
    curve = content.training[0]
    apart = replace(curve, ranks=curve.ranks.assign(checksum=["aaaa", "bbbb"]))
    content = replace(content, training=(apart,))
    assert '<span class="wrong">✗ not equal</span>' in section(render(content), "training")
    assert Check("bad", "Training ranks ended with different steps or weights: two_tower (validation).") in checks(
        content
    )


def described(feature: str, mean: float | None, drift: float | None, level: str | None) -> dict[str, Any]:
    """A row of gold.feature_statistics as Spark gives it; one without a mean is of a text."""
    of_number = mean is not None
    return {
        "table": "gold.user_profiles",
        "feature": feature,
        "fill_rate": 0.9996,
        "mean": mean,
        "quantiles": np.arange(11.0) * 1000 if of_number else None,
        "compared_with": None if drift is None else date(2011, 12, 8),
        "drift": drift,
        "drift_level": level,
    }


FEATURES = pd.DataFrame(
    [
        described("monetary", 48_211.5, 0.312, "large"),
        described("frequency", 5.0, 0.1234, "small"),
        described("returns", 0.25, 0.004, "none"),
        described("basket", 3.0, None, None),
        described("country", None, 0.0, "none"),
    ]
)


def test_features_show_how_numbers_lie_and_drift(content: ReportContent) -> None:
    features = section(render(replace(content, features=FEATURES)), "features")
    assert row(features, "monetary") == "monetary > 99.9 % 48.2k 1000 5000 9000 ✗ large 0.312"
    assert row(features, "frequency") == "frequency > 99.9 % 5 1000 5000 9000 ! small 0.123"
    assert row(features, "returns") == "returns > 99.9 % 0.25 1000 5000 9000 ✓ none 0.004"
    assert row(features, "basket") == "basket > 99.9 % 3 1000 5000 9000 –"
    assert '<span class="wrong">✗ large</span>' in features
    assert '<span class="caution">! small</span>' in features
    assert features.count("<polyline") == 4
    assert "country" not in features
    assert features.index("basket") < features.index("frequency") < features.index("monetary")
    assert "gold.user_profiles , 4 features, ✗ 1 drifted far" in text(features)


def test_what_has_drifted_far_is_named_in_the_summary(content: ReportContent) -> None:
    far, near = replace(content, features=FEATURES), replace(content, features=FEATURES.iloc[1:])
    told = "1 of 4 features have drifted far since 2011-12-08: gold.user_profiles.monetary."
    assert checks(far)[-1] == Check("note", told)
    assert checks(near)[-1] == Check("good", "No feature has drifted far since 2011-12-08.")
    assert checks(replace(content, features=FEATURES.iloc[3:4])) == checks(content)


def test_quality_marks_the_published_model_and_prints_intervals(content: ReportContent) -> None:
    quality = section(render(content), "quality")
    discover, reorder = re.findall(r'<article class="card">.*?</article>', quality, flags=re.DOTALL)
    assert row(discover, "two_tower") == "two_tower published deep model, 20111209-test 0.087 [0.080, 0.095]"
    assert row(discover, "ease") == "ease baseline, 20111209-test 0.084 [0.077, 0.092]"
    assert row(reorder, "own_frequency") == "own_frequency published baseline, 20111209-test 0.221 [0.214, 0.229]"
    for shelf in (discover, reorder):
        # Once in the chart and once for each split among all metrics.
        assert shelf.count('<tr class="published">') == 3
    assert row(discover, "country: Germany") == "country: Germany 0.098 [0.049, 0.146] 52"
    assert "3 smaller groups" in text(discover)
    assert "Protocol 3f9a1c0b77de" in text(quality)
    assert "Hit rate@10" in text(quality)


def test_validation_figures_are_not_passed_off_as_a_test(content: ReportContent) -> None:
    validation = content.evaluations[content.evaluations["split"] == "validation"]
    page = render(replace(content, evaluations=validation))
    assert "No user was held out for a test" in text(section(page, "quality"))
    assert "NDCG@10, validation" in text(section(page, "summary"))


def test_mixed_protocols_are_said_in_red(content: ReportContent) -> None:
    evaluations = content.evaluations.assign(protocol=["a", *["b"] * (len(content.evaluations) - 1)])
    quality = section(render(replace(content, evaluations=evaluations)), "quality")
    assert '<p class="alarm" role="alert">These figures follow 2 different protocols' in quality


def test_users_and_neighbours_show_what_people_judge_by(content: ReportContent) -> None:
    page = render(content)
    users = section(page, "users")
    assert row(users, "2011-11-22 GREEN") == "2011-11-22 GREEN REGENCY TEACUP AND SAUCER 22697 1 return"
    assert row(users, "1 ROSES") == (
        "1 ROSES REGENCY TEACUP AND SAUCER 22699 bought together with REGENCY CAKESTAND 3 TIER 0.931"
    )
    assert "price band" in text(users)
    assert row(section(page, "items"), "4 JUMBO") == "4 JUMBO BAG VINTAGE DOILY 23203 0.790"


def test_items_without_a_title_and_events_without_a_quantity_are_shown(content: ReportContent) -> None:
    user = content.users[0]
    user = replace(user, history=user.history.assign(title=None, quantity=float("nan")))
    assert (
        row(section(render(replace(content, users=(user,))), "users"), "2011-12-07") == "2011-12-07 – 85123A – purchase"
    )


def test_jobs_show_time_and_counts(content: ReportContent) -> None:
    jobs = section(render(content), "jobs")
    assert row(jobs, "clean") == (
        "clean ✓ done 58.2 s 541,909 landed 534,130 kept 5,268 duplicates 2,511 refused: not a product"
    )
    assert row(jobs, "All") == "All 8 min 48 s"


def test_counts_may_come_as_pairs(content: ReportContent) -> None:
    jobs = content.jobs.assign(counts=content.jobs["counts"].map(lambda counts: list(counts.items())))
    assert render(replace(content, jobs=jobs)) == render(content)


def test_a_failed_job_is_shown_with_its_message(content: ReportContent) -> None:
    jobs = content.jobs.assign(outcome=["done"] * 7 + ["failed"], message=[""] * 7 + ["12 rows name no known item"])
    content = replace(content, jobs=jobs)
    failed = row(section(render(content), "jobs"), "recommend")
    assert "✗ failed" in failed
    assert "12 rows name no known item" in failed
    assert Check("bad", "Not done: recommend.") in checks(content)


def test_a_job_that_was_repeated_counts_by_its_last_outcome(content: ReportContent) -> None:
    failed = content.jobs[content.jobs["job"] == "train"].assign(outcome="failed", message="killed")
    content = replace(content, jobs=pd.concat([failed, content.jobs], ignore_index=True))
    assert "✗ failed" in row(section(render(content), "jobs"), "train")
    assert Check("good", "All 8 jobs on record are done.") in checks(content)


def test_the_checks_of_a_good_night(content: ReportContent) -> None:
    assert [check.state for check in checks(content)] == ["good", "good", "good", "good", "note"]


@pytest.mark.parametrize(("p_value", "state"), [(0.4, "note"), (0.01, "bad"), (None, "note")])
def test_a_published_deep_model_behind_a_baseline_is_noticed(
    content: ReportContent, p_value: float | None, state: str
) -> None:
    evaluations = content.evaluations.copy()
    behind = (evaluations["model"] == "two_tower") & (evaluations["shelf"] == "discover")
    evaluations.loc[behind, ["value", "low", "high"]] -= 0.0049
    evaluations["p_value"] = p_value
    check = checks(replace(content, evaluations=evaluations))[-2]
    told = "" if p_value is None else f" (p = {p_value:.3f})"
    assert (check.state, f"against the best baseline, ease{told}." in check.text) == (state, True)


def test_missing_parts_leave_a_whole_page_that_says_why(content: ReportContent) -> None:
    page = render(
        replace(
            content,
            rows=RowAccount(0, 0, 0, {}),
            training=(),
            evaluations=pd.DataFrame(),
            chosen={},
            users=(),
            neighbours=(),
            jobs=pd.DataFrame(),
            data_docs=None,
            settings_text="",
        )
    )
    parse(page)
    for name, why in {
        "rows": "No row was refused.",
        "features": "No feature was described in this run.",
        "training": "No deep model was trained in this run",
        "quality": "Nothing was measured: no events were held out",
        "users": "the run published no user lists",
        "items": "the run published no similar items",
        "jobs": "No job of this run is on record.",
        "docs": "This run wrote no Data Docs.",
        "settings": "The run left no settings on record.",
    }.items():
        assert why in text(section(page, name))


def test_empty_frames_inside_a_part_do_not_break_it(content: ReportContent) -> None:
    user, item, curve = content.users[0], content.neighbours[0], content.training[0]
    page = render(
        replace(
            content,
            training=(replace(curve, epochs=curve.epochs.iloc[:0], ranks=curve.ranks.iloc[:0]),),
            users=(replace(user, history=user.history.iloc[:0], lists={"discover": user.lists["discover"].iloc[:0]}),),
            neighbours=(replace(item, neighbours=item.neighbours.iloc[:0]),),
        )
    )
    shown = text(page)
    for why in (
        "No epoch is on record",
        "No rank is on record",
        "No event of this user",
        "has no list",
        "no neighbours",
    ):
        assert why in shown


def test_published_lists_without_evaluation_are_named_and_not_evaluated(content: ReportContent) -> None:
    content = replace(content, evaluations=content.evaluations.iloc[:0])
    summary = text(section(render(content), "summary"))
    assert "Published on discover two-tower with item text not evaluated on held-out events" in summary
    assert [check.state for check in checks(content)][-2:] == ["note", "note"]


@pytest.mark.parametrize("link", ["https://example.org/docs", "javascript:alert(1)", "//example.org/docs"])
def test_data_docs_are_beside_the_page(content: ReportContent, link: str) -> None:
    with pytest.raises(ValueError, match="relative link"):
        replace(content, data_docs=link)


def test_settings_are_folded_away(content: ReportContent) -> None:
    settings = section(render(content), "settings")
    assert "<details>" in settings
    assert "seed: 20111209" in settings


def test_write_replaces_the_page_and_leaves_nothing_else(content: ReportContent, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    page = write(replace(content, source="yesterday"), folder)
    assert write(content, folder) == page == folder / "index.html"
    assert page.read_text(encoding="utf-8") == render(content)
    assert list(folder.iterdir()) == [page]


def test_a_failed_write_keeps_the_old_page(
    content: ReportContent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = write(content, tmp_path).read_bytes()

    def fails(self: Path, target: Path) -> Path:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", fails)
    with pytest.raises(OSError, match="no space"):
        write(replace(content, source="tomorrow"), tmp_path)
    assert (tmp_path / "index.html").read_bytes() == old
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]
