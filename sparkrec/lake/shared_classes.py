"""An archive of the classes that Spark loads, which Java maps into memory instead of reading them out of the jars.

``python -m sparkrec.lake.shared_classes`` makes it; setting up the environment does it once. With it a job starts with
about three quarters of the processor time. Java passes over an archive that is of other jars or of another Java.
"""

import os
import tempfile
from pathlib import Path

import pyspark

_MADE = "SPARKREC_MAKE_SHARED_CLASSES"


def archive() -> Path:
    """Where it lies: with the installed Spark, where nobody may write who may not write its jars."""
    return Path(pyspark.__file__).parent / "sparkrec.jsa"


def java_option() -> str | None:
    """What Java has to be told to use it, or to make it; None where there is none."""
    if target := os.environ.get(_MADE):
        return f"-XX:ArchiveClassesAtExit={target}"
    return f"-XX:SharedArchiveFile={archive()}" if archive().exists() else None


def make() -> None:
    """Do once what jobs do, and let Java keep the classes that it took."""
    from pyspark.sql import functions as F

    from sparkrec.compat.spark import end_jvm
    from sparkrec.config.load import load_spark_settings
    from sparkrec.lake.lake import Lake
    from sparkrec.lake.session import spark_session

    archive().unlink(missing_ok=True)
    made = archive().with_suffix(".making")
    os.environ[_MADE] = str(made)
    with (
        tempfile.TemporaryDirectory() as folder,
        spark_session(load_spark_settings("local"), "shared classes") as spark,
    ):
        landed = Path(folder) / "landed.csv"
        landed.write_text("user,item,at\nu1,i1,2026-01-01\nu2,i1,2026-01-02\n", encoding="utf-8")
        rows = spark.read.options(header="true").csv(str(landed)).withColumn("day", F.to_date("at"))
        lake = Lake(spark, f"{folder}/lake")
        lake.replace("silver.rows", rows)
        lake.append("silver.rows", rows, "again")
        read = lake.read("silver.rows")
        counted = read.groupBy("item").agg(F.count_distinct("user").alias("users"), F.max("day").alias("last"))
        joined = read.join(F.broadcast(counted), "item").join(counted.select("item"), "item", "left")
        joined.mapInPandas(lambda batches: batches, joined.schema).toPandas()
        joined.write.parquet(f"{folder}/parquet")
        spark.read.parquet(f"{folder}/parquet").count()
    end_jvm()
    made.replace(archive())


if __name__ == "__main__":
    make()
