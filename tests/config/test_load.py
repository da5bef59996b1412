"""load_settings: which layer wins, and that what is wrong is named."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from sparkrec.config import Settings, load_settings, shipped_root
from sparkrec.config.load import load_spark_settings
from sparkrec.config.paths import PathSetting, anchored
from sparkrec.errors import ConfigurationError

SOURCE = """
name: shop
landing: shop/*.csv
interactions:
  user_id: customer
  item_id: product
  event_time: to_timestamp(time)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project's folder with a small conf/ of its own."""
    write(tmp_path, "base.yaml", "seed: 1\nspark: {conf: {from.base: base, both: base}}\n")
    write(tmp_path, "env/local.yaml", "spark: {master: 'local[1]', conf: {both: env}}\n")
    write(tmp_path, "env/cluster.yaml", "")
    write(tmp_path, "sources/shop.yaml", SOURCE)
    monkeypatch.setattr("sparkrec.config.paths.shipped_root", lambda: tmp_path)
    yield tmp_path


def write(home: Path, name: str, text: str) -> Path:
    path = home / "conf" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def paths(settings: Settings) -> dict[str, str | None]:
    """Every setting that is a path."""
    return {
        "landing": settings.source.landing,
        **{name: lookup.landing for name, lookup in settings.source.lookups.items()},
        "key": settings.privacy.key_file,
        "encoder": settings.encoder.preset,
        "language_model": settings.language_model.preset,
        "report": settings.report.folder,
        "truth": settings.report.query_truth,
        "lake": settings.lake,
    }


PATHS = """
lookups:
  product: {landing: ../products/*.csv, key: [product]}
  packed: {landing: "package:pyspark/version.py", key: [product]}
  bucket: {landing: "s3a://bucket/a/../*.csv", key: [product]}
privacy: {key_file: key}
encoder: {preset: encoder}
language_model: {preset: /models/writer}
report: {folder: report, query_truth: ./truth/queries}
"""


def load(*overrides: str, env: str = "local", source: str | Path = "shop") -> Settings:
    return load_settings(env, source, "lake", overrides=overrides)


@pytest.mark.usefixtures("home")
def test_what_no_layer_sets_has_its_default() -> None:
    settings = load()
    assert settings.split.holdout_days == 28
    assert settings.source.format == "csv"
    assert settings.run_date is None


@pytest.mark.usefixtures("home")
def test_arguments_are_settings_too() -> None:
    settings = load_settings("local", "shop", "s3://bucket/lake", run_date=date(2011, 12, 9))
    assert (settings.env, settings.lake, settings.run_date) == ("local", "s3://bucket/lake", date(2011, 12, 9))


@pytest.mark.usefixtures("home")
def test_the_environment_wins_over_base_key_by_key() -> None:
    settings = load()
    assert settings.spark.master == "local[1]"
    assert settings.spark.conf == {"from.base": "base", "both": "env"}
    assert load(env="cluster").spark.conf == {"from.base": "base", "both": "base"}


def test_each_layer_wins_over_those_before_it(home: Path) -> None:
    assert load().seed == 1
    write(home, "env/local.yaml", "seed: 2")
    assert load().seed == 2
    write(home, "sources/shop.yaml", SOURCE + "seed: 3")
    assert load().seed == 3
    assert load("seed=4").seed == 4
    assert load("seed=4", "seed=5").seed == 5


def test_a_source_sets_the_run_beside_itself(home: Path) -> None:
    write(home, "sources/shop.yaml", SOURCE + "split: {kind: leave_last}\nrefuse: {test: 'customer = 0'}\n")
    settings = load()
    assert settings.split.kind == "leave_last"
    assert settings.source.refuse == {"test": "customer = 0"}


def test_a_source_is_found_by_path_as_well_as_by_name(home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.yaml"
    elsewhere.write_text(SOURCE.replace("shop", "other"), encoding="utf-8")
    assert load(source=elsewhere).source.name == "other"
    assert load(source=home / "conf" / "sources" / "shop.yaml") == load(source="shop")


def test_a_relative_path_starts_at_the_file_that_says_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop" / "etc").mkdir(parents=True)
    (tmp_path / "shop" / "etc" / "shop.yaml").write_text(SOURCE + PATHS, encoding="utf-8")
    monkeypatch.chdir(tmp_path / "shop")

    shop = tmp_path / "shop"
    of_the_file = {
        "landing": f"{shop}/etc/shop/*.csv",
        "product": f"{shop}/products/*.csv",
        "packed": "package:pyspark/version.py",
        "bucket": "s3a://bucket/a/../*.csv",
        "key": f"{shop}/etc/key",
        "encoder": f"{shop}/etc/encoder",
        "language_model": "/models/writer",
        "report": f"{shop}/etc/report",
        "truth": f"{shop}/etc/truth/queries",
        "lake": f"{shop}/lake",
    }
    assert paths(load(source="etc/shop.yaml")) == of_the_file

    given = ("source.lookups.product.landing=p.csv", "report.query_truth=truth", "encoder.preset=null")
    at_the_working_directory = {"product": f"{shop}/p.csv", "truth": f"{shop}/truth", "encoder": None}
    assert paths(load(*given, source="etc/shop.yaml")) == of_the_file | at_the_working_directory

    write(home, "base.yaml", "privacy: {key_file: keys/shop}\n")
    write(home, "env/local.yaml", "report: {folder: reports}\n")
    of_conf = paths(load(source="shop"))
    assert of_conf["landing"] == f"{home}/conf/sources/shop/*.csv"
    assert (of_conf["key"], of_conf["report"]) == (f"{home}/keys/shop", f"{home}/reports")


def test_shipped_sources_lie_where_they_did() -> None:
    assert load(source="online_retail").source.landing == f"{shipped_root()}/data/online_retail/*.csv.gz"
    assert load(source="events").source.landing == f"{shipped_root()}/build/events/landing"


class Delivery(BaseModel):
    """Paths in all the ways that a setting may hold them."""

    one_or_more: PathSetting | tuple[PathSetting, ...]
    some: tuple[PathSetting, ...] = ()
    no_path: str | tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"one_or_more": "a/*.csv"}, {"one_or_more": "/shop/a/*.csv"}),
        ({"one_or_more": ["a", "/b", "s3://c"]}, {"one_or_more": ["/shop/a", "/b", "s3://c"]}),
        ({"some": ["../a", "package:b/c"]}, {"some": ["/a", "package:b/c"]}),
        ({"some": "a"}, {"some": "/shop/a"}),
        ({"no_path": "a", "unknown": "b", "one_or_more": 5}, {"no_path": "a", "unknown": "b", "one_or_more": 5}),
        ({"one_or_more": {"a": "b"}, "some": [["a"], None]}, {"one_or_more": {"a": "b"}, "some": [["a"], None]}),
    ],
)
def test_lists_of_paths_are_anchored_and_what_does_not_fit_is_left_to_be_refused(said: object, meant: object) -> None:
    assert anchored(Delivery, said, Path("/shop")) == meant


@pytest.mark.usefixtures("home")
def test_set_reads_its_value_as_yaml() -> None:
    settings = load("training.ranks=1", "recommend.models=[two_tower, ease]", "spark.master=null", "features={}")
    assert settings.training.ranks == 1
    assert settings.recommend.models == ("two_tower", "ease")
    assert settings.spark.master is None


@pytest.mark.usefixtures("home")
def test_set_changes_one_key_and_leaves_its_neighbours() -> None:
    assert load("source.options.sep=;").source.model_copy(update={"options": {}}) == load().source


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("override", ["training.ranks", "=1", ""])
def test_set_without_key_or_value_is_refused(override: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^--set {override}: expected key=value"):
        load(override)


@pytest.mark.usefixtures("home")
def test_set_with_a_value_that_is_not_yaml_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^--set seed=\[1: the value is not valid YAML"):
        load("seed=[1")


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("sed=1", "sed"),
        ("training.rank=1", "training.rank"),
        ("source.items.name=x", "source.items.name"),
    ],
)
def test_an_unknown_key_is_named(override: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"(?m)^  {key}: no such key$"):
        load(override)


def test_an_unknown_key_of_a_source_is_named(home: Path) -> None:
    write(home, "sources/shop.yaml", SOURCE + "recomend: {top_n: 5}\n")
    with pytest.raises(ConfigurationError, match=r"(?m)^configuration of source shop does not fit:\n  recomend: "):
        load()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("override", "key"),
    [
        ("training.ranks=0", "training.ranks"),
        ("training.ranks=many", "training.ranks"),
        ("training=1", "training"),
        ("split.kind=random", "split.kind"),
        ("report.folder=''", "report.folder"),
        ("source.name=My Shop", "source.name"),
    ],
)
def test_a_wrong_value_is_named(override: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"(?m)^  {key}: "):
        load(override)


def test_all_that_is_wrong_is_named_at_once(home: Path) -> None:
    write(home, "sources/shop.yaml", "name: shop\nlanding: shop/*.csv\ninteractions: {user_id: a}\n")
    with pytest.raises(ConfigurationError) as refused:
        load("seed=x")
    for key in ("seed", "source.interactions.item_id", "source.interactions.event_time"):
        assert f"  {key}: " in str(refused.value)


def test_yaml_that_cannot_be_read_is_named_with_its_line(home: Path) -> None:
    path = write(home, "sources/shop.yaml", "name: shop\nlanding: [shop/*.csv\ninteractions: {}\n")
    with pytest.raises(ConfigurationError, match=r"shop\.yaml: not valid YAML at line 3: ") as refused:
        load()
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("text", ["- a list\n", "a word\n"])
def test_yaml_that_holds_no_keys_is_named(home: Path, text: str) -> None:
    write(home, "sources/shop.yaml", text)
    with pytest.raises(ConfigurationError, match=r"shop\.yaml: expected keys and values"):
        load()


@pytest.mark.usefixtures("home")
def test_an_unknown_environment_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"^--env prod: no such environment; one of: cluster, local$"):
        load(env="prod")


@pytest.mark.usefixtures("home")
def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^--source nowhere: no such file, and no source of that name"):
        load(source="nowhere")


@pytest.mark.usefixtures("home")
def test_settings_do_not_change_once_they_are_validated() -> None:
    settings = load()
    with pytest.raises(ValidationError, match="frozen"):
        settings.seed = 2  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        settings.training.ranks = 9  # type: ignore[misc]


@pytest.mark.usefixtures("home")
def test_spark_settings_need_no_source() -> None:
    assert load_spark_settings("local") == load().spark
    with pytest.raises(ConfigurationError, match=r"^--env prod: no such environment"):
        load_spark_settings("prod")


def test_a_wrong_spark_setting_of_an_environment_is_named(home: Path) -> None:
    write(home, "env/local.yaml", "spark: {masters: x}\n")
    with pytest.raises(
        ConfigurationError, match=r"(?m)^configuration of --env local does not fit:\n  masters: no such key$"
    ):
        load_spark_settings("local")


def test_configuration_errors_end_the_process_with_2() -> None:
    assert ConfigurationError.exit_status == 2


def confs(folder: str) -> list[str]:
    return sorted(path.stem for path in (shipped_root() / "conf" / folder).glob("*.yaml"))


@pytest.mark.parametrize("source", confs("sources"))
@pytest.mark.parametrize("env", confs("env"))
def test_the_projects_own_configuration_is_valid(env: str, source: str) -> None:
    assert load(env=env, source=source).source.name == source
