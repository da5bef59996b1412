"""A lake, its tables and its jobs from a notebook or a program of one's own."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sparkrec.config import Settings, load_settings
from sparkrec.config.paths import name_project
from sparkrec.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    import pandas as pd
    import polars
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from sparkrec.registry.model_store import CurrentModels
    from sparkrec.snapshot import Filter


def use_project(folder: str) -> None:
    """Take conf/, schemas/, jobs/ and sparkrec_extensions/ of one's own project, as ``--project`` does.

    Raises:
        ConfigurationError: There is no such folder.
    """
    if not Path(folder).is_dir():
        raise ConfigurationError(f"there is no folder {folder}")
    name_project(folder)


def settings(
    source: str, lake: str, env: str = "local", run_date: date | None = None, overrides: Sequence[str] = ()
) -> Settings:
    """The settings of a run, as ``sparkrec run`` would take them.

    Args:
        source: A source file, or the name of one in conf/sources/.
        lake: Folder or URI of the lake.
        env: Name of a file in conf/env/.
        run_date: The last day that the run knows; None takes the data's last day.
        overrides: ``section.key=value`` pairs; the last one wins.

    Raises:
        ConfigurationError: A file is missing or wrong; the message names the key.
    """
    return load_settings(env, source, lake, run_date, overrides)


def run(
    settings: Settings,
    job: str | None = None,
    say: Callable[[str], None] = print,
    retrain: Literal["due", "yes", "no"] = "due",
) -> None:
    """Run the jobs in the order of the graph, or one of them. What is up to date already is left as it is.

    A Spark session that this process has is taken as it is, and stays; else the run starts and ends one of its own.

    Args:
        settings: What `settings` gives.
        job: Name of the job; None runs all.
        say: Takes lines of progress.
        retrain: Whether the run trains and chooses again, or only when that is due; a job that is named always runs.

    Raises:
        ConfigurationError: There is no such job, or the settings do not fit the data.
        DataError: The data cannot be used, or a table breaks a rule of its contract.
    """
    from sparkrec.steps.run import run_jobs

    run_jobs(settings, job, [], say, retrain=retrain)


def open_lake(root: str) -> "OpenLake":
    """The lake at a folder or URI.

    Raises:
        DataError: There is none.
    """
    lake = OpenLake(root)
    if not lake.tables():
        raise DataError(f"there is no lake at {root}")
    return lake


class OpenLake:
    """Tables of a lake. What gives pandas, Arrow or Polars starts no JVM.

    Args:
        root: Folder or URI.
    """

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")

    def tables(self) -> list[str]:
        """Names of the tables, as ``layer.table``, in the order of the data's way."""
        from sparkrec.layout import table_names

        return table_names(self.root)

    def arrow(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        where: Sequence["Filter"] = (),
        version: int | None = None,
    ) -> "pa.Table":
        """A table, or a part of it, in this process's memory.

        Args:
            table: Its name as ``layer.table``.
            columns: Which columns; None stands for all. Columns that are not asked for are not read.
            where: Conditions such as ``("user_id", "==", "12748")``, all of which must hold.
            version: Delta version; None stands for the newest.

        Returns:
            (rows, columns). Times are in UTC.

        Raises:
            DataError: There is no such table, version, column or comparison.
        """
        from sparkrec.layout import table_path
        from sparkrec.snapshot import snapshot

        return snapshot(table_path(self.root, table), version).read(columns, where)

    def pandas(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        where: Sequence["Filter"] = (),
        version: int | None = None,
    ) -> "pd.DataFrame":
        """`arrow` as a pandas data frame."""
        found: pd.DataFrame = self.arrow(table, columns, where, version).to_pandas()
        return found

    def polars(
        self,
        table: str,
        columns: Sequence[str] | None = None,
        where: Sequence["Filter"] = (),
        version: int | None = None,
    ) -> "polars.DataFrame":
        """`arrow` as a Polars data frame.

        Raises:
            ConfigurationError: Polars is not installed.
        """
        try:
            import polars
        except ModuleNotFoundError:
            raise ConfigurationError("Polars is not installed: pip install 'sparkrec[polars]'") from None
        found = polars.from_arrow(self.arrow(table, columns, where, version))
        assert isinstance(found, polars.DataFrame)
        return found

    def spark(self, table: str, spark: "SparkSession | None" = None, version: int | None = None) -> "DataFrame":
        """A table as a Spark data frame.

        Args:
            table: Its name as ``layer.table``.
            spark: A session with Delta; None takes that of this process, or starts one by conf/env/local.yaml.
            version: Delta version; None stands for the newest.

        Raises:
            DataError: There is no such table.
        """
        from sparkrec.config.load import load_spark_settings
        from sparkrec.lake import Lake, spark_session

        session = spark or spark_session(load_spark_settings("local"), "sparkrec notebook")
        return Lake(session, self.root).read(table, version)

    def lists(self, user_id: str, shelf: str | None = None) -> "pd.DataFrame":
        """A user's published lists: rows of gold.recommendations by shelf and rank; none of an unknown user."""
        where: list[Filter] = [("user_id", "==", user_id)]
        if shelf is not None:
            where.append(("shelf", "==", shelf))
        found = self.pandas("gold.recommendations", where=where)
        return found.sort_values(["shelf", "rank"], ignore_index=True)

    def similar_items(self, item_id: str) -> "pd.DataFrame":
        """An item's published neighbours: rows of gold.similar_items by rank; none of an unknown item."""
        found = self.pandas("gold.similar_items", where=[("item_id", "==", item_id)])
        return found.sort_values("rank", ignore_index=True)

    def vectors(self, of: Literal["items", "texts", "words"], column: str | None = None) -> "pd.DataFrame":
        """Vectors that the `embed` job made, one row each.

        Args:
            of: ``items`` (features.item_vectors), ``texts`` (features.text_vectors) or ``words``
                (features.word_vectors).
            column: The vector's column; None takes ``session_vector`` of items and ``vector`` of the others.

        Returns:
            The id, the text or the word, and ``vector``: a float32 array of the same length in each row. Rows without
            a vector are left out.

        Raises:
            DataError: The lake has none.
        """
        names = {"items": "item_id", "texts": "text", "words": "word"}
        vector = column or ("session_vector" if of == "items" else "vector")
        found = self.pandas(f"features.{of.removesuffix('s')}_vectors", [names[of], vector])
        return found.rename(columns={vector: "vector"}).dropna(subset=["vector"]).reset_index(drop=True)

    def models(self) -> "CurrentModels":
        """The models that the last training left: versions by name, and ``arrays(name, fold)`` of each.

        Raises:
            DataError: No model has been trained.
        """
        from sparkrec.registry.model_store import CurrentModels

        return CurrentModels.read(f"{self.root}/models/current.json")

    def __repr__(self) -> str:
        return f"sparkrec.open_lake({self.root!r})"


__all__ = ["OpenLake", "open_lake", "run", "settings", "use_project"]
