"""The whole pipeline by its command line, on a part of the real data: 150 customers of the shop."""

import gzip
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from deltalake import DeltaTable
from mlflow import MlflowClient
from pyspark.sql import SparkSession
from retail_slice import lines_of_customers
from standalone_cluster import Cluster, kill_first_worker, submit

from sparkrec.config import load_settings, shipped_root
from sparkrec.contracts.features import features
from sparkrec.errors import DataError, SparkrecError
from sparkrec.features.vocabulary import indices_of
from sparkrec.graph import JOBS, in_order
from sparkrec.lake import Lake
from sparkrec.lake.fingerprint import fingerprint
from sparkrec.registry.chosen import Chosen, ChosenList
from sparkrec.registry.model_store import CurrentModels
from sparkrec.registry.user_vectors import vectors_of_users
from sparkrec.shards.manifest import Manifest
from sparkrec.steps.runner import Runner

pytestmark = pytest.mark.slow

SPARKREC = str(Path(sys.executable).parent / "sparkrec")
SMALL = ("two_tower.epochs=1", "two_tower.batch_size=256", "baselines.als_iterations=2", "ranker.min_users=20")
SMALL += ("ranker.lambdamart=true", "ranker.deepfm=true", "deepfm.batch_size=256", "deepfm.epochs=1")
SMALL += ("tracking.enabled=true",)


@dataclass(frozen=True)
class Shop:
    """A finished run."""

    source: Path
    lake: Path
    report: Path
    output: str

    @property
    def options(self) -> list[str]:
        """Of a command, but for the lake."""
        settings = [option for setting in SMALL for option in ("--set", setting)]
        return ["--source", str(self.source), "--report", str(self.report), *settings]

    def command(self, *command: str) -> subprocess.CompletedProcess[str]:
        options = ["--env", "test", "--lake", str(self.lake), *self.options]
        return subprocess.run(
            [SPARKREC, *command, *options], capture_output=True, text=True, check=False, cwd=self.lake.parent
        )

    def runner(self, spark: SparkSession, *overrides: str) -> Runner:
        """Runs jobs as the commands do, in this process."""
        given = (*SMALL, f"report.folder={self.report}", *overrides)
        settings = load_settings("test", self.source, str(self.lake), overrides=given)
        return Runner.start(settings, spark, lambda line: None)


def landed_lines() -> pd.DataFrame:
    return lines_of_customers(29, 150)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    landing = folder / "landing"
    landing.mkdir()
    lines = landed_lines()
    half = len(lines) // 2
    for name, part in (("one", lines.iloc[:half]), ("two", lines.iloc[half:])):
        with gzip.open(landing / f"{name}.csv.gz", "wt", encoding="utf-8") as file:
            part.to_csv(file, index=False)
    source = yaml.safe_load((shipped_root() / "conf/sources/online_retail.yaml").read_text(encoding="utf-8"))
    path = folder / "source.yaml"
    path.write_text(yaml.safe_dump({**source, "landing": str(landing / "*.csv.gz")}), encoding="utf-8")
    shop = Shop(path, folder / "lake", folder / "report", "")
    run = shop.command("run")
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    yield Shop(path, shop.lake, shop.report, run.stdout)


@pytest.fixture(scope="module")
def lake(shop: Shop, spark: SparkSession) -> Lake:
    return Lake(spark, str(shop.lake))


def test_the_summary_accounts_for_every_line(shop: Shop) -> None:
    landed = len(landed_lines())
    assert f"landed {landed:,} = kept + duplicates + refused" in shop.output
    assert "adds up" in shop.output
    assert "DOES NOT" not in shop.output


def test_the_summary_fits_a_terminal(shop: Shop) -> None:
    jobs = shop.output[shop.output.index(f"[1/{len(JOBS)}]") :]
    assert [line for line in jobs.splitlines() if len(line) > 80 and "/" not in line] == []


def test_ranks_run_from_one_without_gaps_and_no_item_comes_twice(lake: Lake) -> None:
    lists = lake.read("gold.recommendations").toPandas()
    assert set(lists["shelf"]) == {"discover", "reorder"}
    for _, one in lists.groupby(["shelf", "user_id"]):
        assert sorted(one["rank"]) == list(range(1, len(one) + 1))
        assert one["item_id"].is_unique
        assert one.sort_values("rank")["score"].is_monotonic_decreasing
    assert lists["reason"].str.len().min() > 0


def test_discover_shows_nothing_that_the_user_ever_interacted_with(lake: Lake) -> None:
    discover = lake.read("gold.recommendations").where("shelf = 'discover'")
    interacted = lake.read("silver.interactions").select("user_id", "item_id").distinct()
    assert discover.count() > 0
    assert discover.join(interacted, ["user_id", "item_id"], "inner").count() == 0


def test_every_user_with_a_purchase_has_both_lists(lake: Lake) -> None:
    users = lake.read("silver.interactions").where("event_type = 'purchase'").select("user_id").distinct()
    lists = lake.read("gold.recommendations")
    for shelf in ("discover", "reorder"):
        listed = lists.where(f"shelf = '{shelf}'").select("user_id").distinct()
        assert users.exceptAll(listed).count() == 0


def test_ranks_made_equal_steps_and_ended_with_equal_weights(shop: Shop) -> None:
    records = sorted((shop.lake / "models" / "two_tower").glob("*/*/training.json"))
    assert [record.parent.name for record in records] == ["publish", "test", "validation"]
    for record in records:
        ranks = json.loads(record.read_text(encoding="utf-8"))["ranks"]
        assert [rank["rank"] for rank in ranks] == [0, 1]
        assert len({rank["steps"] for rank in ranks}) == 1
        assert len({rank["checksum"] for rank in ranks}) == 1
    assert "samples/s" in shop.output


def test_every_model_is_evaluated_with_an_interval(lake: Lake) -> None:
    figures = lake.read("gold.evaluations").where("segment = 'all' and metric = 'ndcg@10'").toPandas()
    assert {
        "ease",
        "als",
        "two_tower",
        "popularity",
        "own_frequency",
        "title_similarity",
        "ranker",
        "deepfm",
    } <= set(figures["model"])
    assert set(figures["split"]) == {"validation", "test"}
    assert set(figures[figures["model"] == "lambdamart"]["split"]) == {"test"}
    assert (figures["low"] <= figures["high"]).all()
    assert figures["protocol"].nunique() == 1
    assert figures[figures["chosen"]].groupby("split")["shelf"].nunique().tolist() == [2, 2]


def test_mlflow_has_a_run_of_every_model_version(shop: Shop, lake: Lake) -> None:
    client = MlflowClient(tracking_uri=f"sqlite:///{shop.lake}/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'online_retail'")
    runs = {run.info.run_name: run.data for run in client.search_runs([experiment.experiment_id])}
    figures = lake.read("gold.evaluations").where("segment = 'all' and split = 'test' and metric = 'ndcg@10'")
    published = figures.where("shelf = 'discover'").toPandas()
    assert set(published["model"] + " " + published["model_version"]) <= set(runs)
    for row in published.itertuples():
        assert runs[f"{row.model} {row.model_version}"].metrics["test.discover.ndcg_at_10"] == row.value
    current = CurrentModels.read(str(shop.lake / "models" / "current.json"))
    trained = {name: runs[f"{name} {version}"] for name, version in current.versions.items()}
    shards = Manifest.read(str(shop.lake / "shards" / "retrieval"))
    assert {data.params["shards"] for data in trained.values()} == {shards.version}
    for name, curve in (("two_tower", "publish.loss"), ("deepfm", "publish/reorder.loss")):
        assert trained[name].metrics[curve] > 0
        assert trained[name].params[f"{name}.epochs"] == "1"


def test_the_report_and_its_data_docs_are_there(shop: Shop) -> None:
    page = (shop.report / "index.html").read_text(encoding="utf-8")
    assert "discover" in page
    assert (shop.report / "quality" / "data_docs" / "index.html").is_file()


def test_gold_tables_open_without_spark(shop: Shop) -> None:
    for table in sorted((shop.lake / "gold").iterdir()):
        assert DeltaTable(str(table)).version() >= 0


def contents(lake: Lake) -> dict[str, int]:
    return {table: fingerprint(lake.read(table)) for table in set(lake.tables()) - {"gold.pipeline_runs"}}


def test_a_second_retrain_changes_nothing(shop: Shop, lake: Lake, spark: SparkSession) -> None:
    before = contents(lake)
    assert len(before) >= 14
    shop.runner(spark).run([spec for spec in in_order(JOBS) if spec.retrain])
    assert contents(lake) == before


def test_a_cluster_trains_the_same_models_and_makes_the_same_lists_though_a_worker_dies(
    shop: Shop, lake: Lake, spark: SparkSession, cluster: Cluster, tmp_path: Path
) -> None:
    copy = tmp_path / "lake"
    shutil.copytree(shop.lake, copy)
    # What the executors make, in ranks and as Spark's tasks; the driver makes the others wherever they run.
    own = CurrentModels.read(str(shop.lake / "models" / "current.json"))
    made_by_executors = ("two_tower", "als")
    for name in made_by_executors:
        shutil.rmtree(copy / "models" / name)

    submit(cluster, "train", copy, *shop.options, partitions=2)
    current = CurrentModels.read(str(copy / "models" / "current.json"))
    assert current.versions == own.versions
    for name in made_by_executors:
        for fold in current.folds:
            for what, values in current.arrays(name, fold).items():
                np.testing.assert_array_equal(values, own.arrays(name, fold)[what], f"{what} of {name} at {fold}")
            users, here = (fingerprint(vectors_of_users(spark, made, name, fold)) for made in (current, own))
            assert users == here

    shutil.rmtree(copy / "gold" / "recommendations")
    kill = partial(kill_first_worker, cluster)
    told = submit(cluster, "recommend", copy, *shop.options, partitions=2, in_the_middle=kill)
    assert cluster.workers[0].wait(30) == -signal.SIGKILL
    assert "Lost executor" in told
    lists = Lake(spark, str(copy)).read("gold.recommendations")
    assert fingerprint(lists) == fingerprint(lake.read("gold.recommendations"))


@pytest.mark.parametrize(
    ("job", "setting", "told"),
    [
        ("clean", "source.interactions.user_id=string(null)", "events has a user"),
        ("ingest", "source.landing=/nowhere/*.csv", "no file at /nowhere/*.csv"),
    ],
)
def test_data_that_cannot_be_used_is_told_and_leaves_the_tables_as_they_were(
    shop: Shop, lake: Lake, spark: SparkSession, job: str, setting: str, told: str
) -> None:
    before = contents(lake)
    with pytest.raises(SparkrecError, match=re.escape(told)) as error:
        shop.runner(spark, setting).run([spec for spec in JOBS if spec.name == job])
    assert error.value.exit_status == 1
    assert contents(lake) == before


def test_features_are_described_and_listed(shop: Shop, lake: Lake) -> None:
    described = lake.read("gold.feature_statistics").toPandas()
    assert set(described["table"] + "." + described["feature"]) == {feature.name for feature in features()}
    assert described["run_date"].nunique() == 1
    assert described["drift"].isna().all()
    of_samples = described[described["table"] == "features.retrieval_samples"].set_index("feature")
    assert of_samples.loc["history", "fill_rate"] < 1
    done = subprocess.run(
        [SPARKREC, "features", "--lake", str(shop.lake), "--env", "test"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    assert re.search(r"^history +int\[\] +2 before +\d+%", done.stdout, re.MULTILINE)


def test_sql_queries_tables_by_layer(shop: Shop) -> None:
    query = "select shelf, min(rank), count(*) as n from gold.recommendations group by shelf order by shelf"
    done = subprocess.run(
        [SPARKREC, "sql", query, "--lake", str(shop.lake), "--env", "test"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "discover" in done.stdout
    assert "reorder" in done.stdout


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        (["job", "nothing"], 2, "no job nothing"),
        (["run", "--set", "training.rank=1"], 2, "training.rank: no such key"),
        (["job", "clean", "--set", "source.interactions.user_id=Customer"], 2, "interactions.user_id"),
    ],
)
def test_mistakes_get_a_plain_message(shop: Shop, options: list[str], status: int, told: str) -> None:
    done = shop.command(*options)
    assert done.returncode == status
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("exact_items", [200_000, 0])
def test_a_list_that_is_searched_has_the_models_own_scores(
    shop: Shop, lake: Lake, spark: SparkSession, exact_items: int
) -> None:
    path = str(shop.lake / "models" / "chosen.json")
    chosen, current = Chosen.read(path), CurrentModels.read(str(shop.lake / "models" / "current.json"))
    alone = ChosenList(model="als", version=current.versions["als"], weights={"als": 1.0}, validation=None)
    said: list[str] = []
    overrides = (*SMALL, f"recommend.search.exact_items={exact_items}", "recommend.search.recall_sample=20")
    settings = load_settings("test", shop.source, str(shop.lake), overrides=overrides)
    chosen.model_copy(update={"shelves": {**chosen.shelves, "discover": alone}}).write(path)
    try:
        Runner.start(settings, spark, said.append).run([spec for spec in JOBS if spec.name == "recommend"])
        lists = lake.read("gold.recommendations").where("shelf = 'discover' and model = 'als'")
        vocabulary = lake.read("features.vocabulary")
        for name in ("user", "item"):
            indices = indices_of(vocabulary, name).toDF(f"{name}_id", f"{name}_index")
            lists = lists.join(indices, f"{name}_id")
        found = lists.toPandas()
    finally:
        chosen.write(path)

    items = current.arrays("als", "publish")["items"]
    users = vectors_of_users(spark, current, "als", "publish").toPandas().set_index("user_index")["vector"]
    own = (np.stack(users.loc[found["user_index"]]) * items[found["item_index"]]).sum(axis=1)
    assert len(found) > 1_000
    np.testing.assert_allclose(found["score"], own, rtol=1e-4, atol=1e-6)
    assert any("are searched approximately, recall" in line for line in said) == (exact_items == 0)


def test_lists_of_a_later_day_stay(shop: Shop, lake: Lake, spark: SparkSession) -> None:
    recommend, before = [spec for spec in JOBS if spec.name == "recommend"], lake.version("gold.recommendations")

    shop.runner(spark, "run_date=2011-06-01").run(recommend)

    assert lake.version("gold.recommendations") == before
    shop.runner(spark, "run_date=2011-06-01", "recommend.replace_newer=true").run(recommend)
    days = {row.run_date for row in lake.read("gold.recommendations").select("run_date").distinct().collect()}
    assert days == {date(2011, 6, 1)}
    shop.runner(spark).run(recommend)


def test_other_data_make_other_models_and_too_few_users_no_ranker(
    shop: Shop, lake: Lake, spark: SparkSession, tmp_path: Path
) -> None:
    copy = replace(shop, lake=tmp_path / "lake")
    shutil.copytree(shop.lake, copy.lake)
    path = copy.lake / "models" / "current.json"
    before = CurrentModels.read(str(path))
    event = lake.read("features.positives").agg({"event_id": "min"}).collect()[0][0]
    spark.sql(f"delete from delta.`{copy.lake}/features/positives` where event_id = '{event}'")

    copy.runner(spark, "ranker.min_users=100000").run([spec for spec in JOBS if spec.name == "train"])

    after = CurrentModels.read(str(path))
    # Their shards are still those of before.
    same = {name for name, version in after.versions.items() if version == before.versions[name]}
    assert same == {"two_tower"}
    assert set(before.versions) - set(after.versions) == {"ranker", "lambdamart", "deepfm"}
    assert "fewer than ranker.min_users" in after.left_out["ranker"]


def test_a_night_publishes_by_the_models_that_there_are(shop: Shop, lake: Lake, spark: SparkSession) -> None:
    lines = landed_lines().tail(40)
    night = lines.assign(InvoiceNo="7" + lines["InvoiceNo"].str[1:], InvoiceDate="2011-12-10 10:00:00")
    # A user and an item that nobody has seen before.
    night.loc[night.index[:20], "CustomerID"] = "99999"
    night.loc[night.index[::4], ["StockCode", "Description"]] = ["99990", "LANTERN OF THE NIGHT"]
    night.to_csv(shop.lake.parent / "landing" / "night.csv.gz", index=False)
    current = CurrentModels.read(str(shop.lake / "models" / "current.json"))
    said: list[str] = []
    runner = replace(shop.runner(spark), say=said.append)

    runner.run(in_order(JOBS), "due")

    assert [line for line in said if "a retrain is not due: the models are of 2011-12-09" in " ".join(line.split())]
    assert [line.split()[1].rstrip(":") for line in said if line.endswith(": left out")] == [
        "shard",
        "train",
        "evaluate",
    ]
    assert CurrentModels.read(str(shop.lake / "models" / "current.json")) == current
    lists = lake.read("gold.recommendations").toPandas()
    assert set(lists["run_date"]) == {date(2011, 12, 10)}
    assert set(lists.loc[lists["user_id"] == "99999", "shelf"]) == {"discover", "reorder"}
    assert not lists["item_id"].eq("99990").any()
    had = set(night.loc[night["CustomerID"] == "99999", "StockCode"])
    again = lists[(lists["user_id"] == "99999") & (lists["shelf"] == "reorder")].nsmallest(3, "rank")
    assert set(again["item_id"]) <= had

    with pytest.raises(DataError, match=r"items that the shards do not know, .*: run `sparkrec job shard` first"):
        shop.runner(spark).run([spec for spec in JOBS if spec.name == "train"])
