"""Draw the run as one page, with the Data Docs beside it."""

import os

import pandas as pd
import yaml
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from sparkrec import report
from sparkrec.contracts.expectations import Quality
from sparkrec.graph import in_order, pipeline
from sparkrec.masking import masked
from sparkrec.recommend.models import all_models
from sparkrec.registry.chosen import Chosen
from sparkrec.registry.model_store import CurrentModels
from sparkrec.report import ItemNeighbours, ReportContent, TrainingCurve, UserExample
from sparkrec.steps.context import Counts, JobContext
from sparkrec.steps.describe import STATISTICS
from sparkrec.steps.query_examples import query_examples, result_examples
from sparkrec.steps.runs import CLEANING, as_frame, row_account
from sparkrec.training.plan import FoldRecord

_SHOWN_EVENTS = 15
_SHOWN_PLACES = 10


def run(context: JobContext) -> Counts:
    """Collect the few rows that the page shows and write it."""
    settings, tables = context.settings, context.tables
    folder = settings.report_folder
    current = CurrentModels.read(tables.read_artefact("models/current.json"))
    chosen = Chosen.read(tables.read_artefact("models/chosen.json"))
    profiles = tables.read("gold.user_profiles")
    described = context.current_items()
    items = described.select("item_id", "title")
    runs = context.runs([job.name for job in in_order(pipeline())])
    days = (
        context.known_interactions().agg(F.min("event_date").alias("first"), F.max("event_date").alias("last")).first()
    )
    data_docs = Quality(settings.quality_folder).build_data_docs()
    content = ReportContent(
        source=settings.source.name,
        run_date=context.run_date,
        run_id=context.run_id,
        extent=report.Extent(
            users=profiles.count(),
            items=tables.read("gold.item_profiles").count(),
            first_day=days.first if days else None,
            last_day=days.last if days else None,
        ),
        rows=row_account(context.runs(CLEANING)),
        training=_training_curves(current),
        evaluations=tables.read("gold.evaluations").where(F.col("run_date") == F.lit(context.run_date)).toPandas(),
        chosen={shelf: _described(ranking.model, ranking.weights) for shelf, ranking in chosen.shelves.items()},
        by_default=frozenset(shelf for shelf, ranking in chosen.shelves.items() if ranking.validation is None),
        split=chosen.split,
        left_out=current.left_out,
        deep_models=frozenset(model.name for model in all_models() if model.deep),
        users=_user_examples(context, items),
        neighbours=_item_examples(context, items),
        jobs=as_frame(runs),
        data_docs=os.path.relpath(data_docs, folder.resolve()),
        settings_text=yaml.safe_dump(masked(settings.model_dump(mode="json")), sort_keys=False),
        metric=f"ndcg@{settings.evaluation.k}",
        features=tables.read(STATISTICS).where(F.col("run_date") == F.lit(context.run_date)).toPandas(),
        queries=query_examples(context, described),
        search_results=result_examples(context, items),
    )
    written = report.write(content, folder)
    context.say(f"report: {written}")
    return {"users_shown": len(content.users), "items_shown": len(content.neighbours)}


def _described(model: str, weights: dict[str, float]) -> str:
    if len(weights) == 1:
        return model
    parts = sorted(weights.items(), key=lambda part: -part[1])
    return f"{model} of " + ", ".join(f"{weight:.2f} {name}" for name, weight in parts)


def _training_curves(current: CurrentModels) -> tuple[TrainingCurve, ...]:
    curves = []
    for model in (model.name for model in all_models() if model.deep and model.name in current.versions):
        for fold in current.folds:
            record = FoldRecord.read(f"{current.folder(model)}/{fold}")
            curves.append(
                TrainingCurve(
                    model=model,
                    version=current.versions[model],
                    fold=fold,
                    epochs=pd.DataFrame([epoch.model_dump() for epoch in record.epochs]).astype(
                        {"validation_loss": float, "validation_ndcg": float}
                    ),
                    ranks=pd.DataFrame([rank.model_dump() for rank in record.ranks]),
                )
            )
    return tuple(curves)


def _user_examples(context: JobContext, items: DataFrame) -> tuple[UserExample, ...]:
    """Users of different weight: at the quantiles of the number of purchases."""
    tables, wanted = context.tables, context.settings.report.users
    profiles = tables.read("gold.user_profiles")
    listed = tables.read("gold.recommendations").select("user_id").distinct()
    candidates = profiles.join(listed, "user_id", "left_semi")
    shares = [(number + 1) / (wanted + 1) for number in range(wanted)]
    levels = candidates.select(F.percentile_approx("purchases", shares).alias("levels")).first() if wanted else None
    users: list[UserExample] = []
    for level in levels.levels or [] if levels else []:
        row = candidates.where(F.col("purchases") == level).orderBy("user_id").first()
        if row is not None and row.user_id not in [user.user_id for user in users]:
            users.append(_user_example(context, items, row.asDict()))
    return tuple(users)


def _user_example(context: JobContext, items: DataFrame, profile: dict[str, object]) -> UserExample:
    tables, user = context.tables, str(profile["user_id"])
    mine = F.col("user_id") == F.lit(user)
    history = (
        context.known_interactions()
        .where(mine)
        .orderBy(F.desc("event_time"), "item_id")
        .limit(_SHOWN_EVENTS)
        .join(items, "item_id", "left")
        .orderBy(F.desc("event_time"), "item_id")
        .select(F.col("event_date").alias("date"), "title", "item_id", "event_type", "quantity")
        .toPandas()
    )
    lists = (
        tables.read("gold.recommendations")
        .where(mine & (F.col("rank") <= _SHOWN_PLACES))
        .join(items, "item_id", "left")
        .orderBy("shelf", "rank")
        .select("shelf", "rank", "item_id", "title", "score", "reason")
        .toPandas()
    )
    tags = tables.read("features.user_interests").where(mine).first()
    return UserExample(
        user_id=user,
        profile={
            "purchases": f"{profile['purchases']:,} in {profile['frequency']:,} sessions",
            "spent": f"{profile['monetary']:,.2f}",
            "last seen": f"{profile['recency_days']} days before",
            "price band": str(profile["price_band"] or "unknown"),
            "country": str(profile["country"] or "unknown"),
        },
        tags=tuple(tags.tags) if tags else (),
        history=history,
        lists={str(shelf): rows.drop(columns="shelf") for shelf, rows in lists.groupby("shelf")},
    )


def _item_examples(context: JobContext, items: DataFrame) -> tuple[ItemNeighbours, ...]:
    """The most popular items with their nearest ones."""
    tables, wanted = context.tables, context.settings.report.items
    similar = tables.read("gold.similar_items")
    popular = (
        tables.read("gold.item_profiles")
        .join(similar.select("item_id").distinct(), "item_id", "left_semi")
        .orderBy("popularity_rank")
        .limit(wanted)
        .select("item_id", "title")
        .collect()
    )
    named = items.select(F.col("item_id").alias("similar_item_id"), "title")
    rows = (
        similar.where(F.col("item_id").isin([row.item_id for row in popular]) & (F.col("rank") <= _SHOWN_PLACES))
        .join(named, "similar_item_id", "left")
        .orderBy("item_id", "rank")
        .select(F.col("item_id").alias("of"), "rank", F.col("similar_item_id").alias("item_id"), "title", "score")
        .toPandas()
    )
    return tuple(
        ItemNeighbours(row.item_id, row.title or row.item_id, rows[rows["of"] == row.item_id].drop(columns="of"))
        for row in popular
    )
