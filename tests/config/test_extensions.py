"""A project of one's own: its settings, sources, schema files, jobs and models beside those that sparkrec ships."""

import sys
from pathlib import Path

import pytest

from sparkrec.config import load_settings
from sparkrec.contracts import load_contract
from sparkrec.contracts.features import features, ranking_columns, ranking_tables
from sparkrec.errors import ConfigurationError
from sparkrec.graph import JOBS, in_order, job_file, pipeline, upstream
from sparkrec.recommend.models import MODELS, all_models, options_of
from sparkrec.recommend.ranker.rankers import RANKERS, all_rankers

OF_MODELS = (
    "from sparkrec.recommend.models import Model\nfrom sparkrec.recommend.scorers.popularity import Popularity\n"
)
OF_RANKERS = "from sparkrec.recommend.ranker.rankers import Ranker\n"


@pytest.fixture
def project(own_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of docs/own_project.md."""
    monkeypatch.setenv("SPARKREC_PROJECT", str(own_project))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv("PYTHONPATH", "")
    for name in [name for name in sys.modules if name.startswith("sparkrec_extensions")]:
        monkeypatch.delitem(sys.modules, name)
    yield own_project
    for name in [name for name in sys.modules if name.startswith("sparkrec_extensions")]:
        del sys.modules[name]


def test_without_a_project_there_are_the_jobs_and_models_that_are_shipped() -> None:
    assert pipeline() is JOBS
    assert all_models() == MODELS


def test_settings_are_laid_over_those_that_are_shipped(project: Path) -> None:
    (project / "conf" / "base.yaml").write_text("seed: 7\nspark: {conf: {spark.sql.ansi.enabled: 'true'}}\n")
    settings = load_settings("laptop", "my_shop", lake="lake")
    assert settings.seed == 7
    assert settings.training.launcher == "local"
    assert settings.spark.conf["spark.sql.ansi.enabled"] == "true"
    assert settings.spark.conf["spark.sql.session.timeZone"] == "UTC"
    assert settings.source.landing == str(project / "data" / "landing")
    assert load_settings("local", "online_retail", lake="lake").source.name == "online_retail"


def test_an_environment_that_neither_has_is_refused_with_those_of_both(project: Path) -> None:
    with pytest.raises(ConfigurationError, match="--env desktop: no such environment; one of: cluster, laptop, local"):
        load_settings("desktop", "my_shop", lake="lake")


def test_a_table_and_its_feature_are_known(project: Path) -> None:
    assert load_contract("features.weekend_shares").grain == "one user"
    assert [one.name for one in features(table="features.weekend_shares")] == ["features.weekend_shares.weekend_share"]


def test_a_schema_file_stands_in_the_place_of_a_shipped_one(project: Path) -> None:
    text = (project / "schemas" / "features" / "weekend_shares.yaml").read_text()
    (project / "schemas" / "features" / "vocabulary.yaml").write_text(text.replace("weekend_shares", "vocabulary"))
    assert load_contract("features.vocabulary").grain == "one user"


def test_a_job_is_in_the_graph_and_its_features_are_described(project: Path) -> None:
    needed = upstream(pipeline())
    assert needed["weekend_shares"] == {"clean"}
    assert "weekend_shares" in needed["describe"]
    assert [job.name for job in in_order(pipeline())].index("weekend_shares") > 1
    assert job_file("weekend_shares") == project / "jobs" / "weekend_shares.py"
    assert job_file("clean").is_file()


def test_a_model_is_one_of_all_and_has_options_of_its_own(project: Path) -> None:
    assert [model.name for model in all_models()] == [*(model.name for model in MODELS), "sales"]
    shipped = load_settings("local", "my_shop", lake="lake")
    assert options_of(shipped)["sales"].half_life_days == 30
    assert options_of(load_settings("laptop", "my_shop", lake="lake"))["sales"].half_life_days == 14
    for given, told in (
        ("models.sales.half_life=1", r"models\.sales does not fit:\s+half_life: no such key"),
        ("models.sales.half_life_days=0", r"models\.sales does not fit:\s+half_life_days: .* greater than 0"),
        ("models.als.factors=8", "models.als: no model of your project declares options by this name; .*: sales"),
    ):
        settings = load_settings("local", "my_shop", lake="lake", overrides=[given])
        with pytest.raises(ConfigurationError, match=told):
            options_of(settings)


def test_a_ranker_is_one_of_all(project: Path) -> None:
    assert [ranker.name for ranker in all_rankers()] == [*(ranker.name for ranker in RANKERS), "line"]


def test_a_feature_with_the_tag_reaches_the_rankers(project: Path) -> None:
    assert ranking_columns()[-1] == "item_weekend_share"
    assert ranking_tables("item")["features.item_weekends"] == ("item_weekend_share",)
    assert load_contract("features.ranking_samples").columns["item_weekend_share"].feature is None
    for job in pipeline():
        readers = ("train", "evaluate", "recommend", "search", "describe")
        assert ("features.item_weekends" in job.reads) == (job.name in readers)
    assert "item_weekends" in upstream(pipeline())["train"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            "primary_key: [fold, item_index]",
            "primary_key: [item_index]",
            r"item_weekends\.yaml: features tagged ranking",
        ),
        ("item_weekend_share", "buyers", r"item_weekends\.yaml: features.ranking_samples has another column buyers"),
    ],
)
def test_a_feature_that_rankers_cannot_take_is_told(project: Path, before: str, after: str, told: str) -> None:
    file = project / "schemas" / "features" / "item_weekends.yaml"
    file.write_text(file.read_text().replace(before, after))
    with pytest.raises(ConfigurationError, match=told):
        ranking_columns()


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("jobs", "import no_such_module", r"jobs\.py: JOBS cannot be had: ModuleNotFoundError"),
        ("jobs", "JOBS = (1,)", r"jobs\.py: JOBS holds 1, which is no JobSpec"),
        (
            "jobs",
            "from sparkrec.graph import JobSpec\nJOBS = (JobSpec('clean', '', (), ('gold.x',), step='m'),)",
            "job clean .* has the name of a job that sparkrec ships",
        ),
        (
            "jobs",
            "from sparkrec.graph import JobSpec\nJOBS = (JobSpec('mine', '', (), ('gold.x',)),)",
            "job mine .* has no `step`",
        ),
        (
            "jobs",
            "from sparkrec.graph import JobSpec\nJOBS = (JobSpec('mine', '', (), ('silver.items',), step='m'),)",
            r"jobs\.py: clean and mine both write silver\.items",
        ),
        (
            "models",
            OF_MODELS + "MODELS = (Model('als', Popularity, print),)",
            "model als .* has a name that is taken",
        ),
        ("models", OF_MODELS + "MODELS = (Model('mine', Popularity, None),)", "model mine .* has no `fit`"),
        (
            "rankers",
            OF_RANKERS + "RANKERS = (Ranker('deepfm', print, print),)",
            "ranker deepfm .* a name that is taken",
        ),
        ("rankers", OF_RANKERS + "RANKERS = (Ranker('mine', print, None),)", "ranker mine .* has no `fit`"),
    ],
)
def test_what_does_not_fit_is_told(project: Path, file: str, text: str, told: str) -> None:
    (project / "sparkrec_extensions" / f"{file}.py").write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        {"jobs": pipeline, "models": all_models, "rankers": all_rankers}[file]()


def test_a_folder_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARKREC_PROJECT", "/no/such/project")
    with pytest.raises(ConfigurationError, match="--project /no/such/project: there is no such folder"):
        load_settings("local", "online_retail", lake="lake")
