"""The jobs of the pipeline. The order is not written down: it follows from reads and writes."""

from dataclasses import replace

from sparkrec.graph.job import JobSpec

JOBS: tuple[JobSpec, ...] = (
    JobSpec(
        name="ingest",
        description="Append landing files that are new to bronze, every column a string.",
        reads=(),
        writes=("bronze.{source}",),
        from_outside=("private.forgotten",),
    ),
    JobSpec(
        name="clean",
        description="Map, type, dedupe and check the landed lines; refused ones go to quarantine with their reasons.",
        reads=("bronze.{source}",),
        writes=(
            "silver.interactions",
            "silver.searches",
            "silver.reviews",
            "silver.item_sightings",
            "silver.items",
            "silver.users",
            "silver.quarantine",
            "private.identities",
        ),
    ),
    JobSpec(
        name="profile",
        description="Describe every user and item by its behaviour.",
        reads=("silver.interactions", "silver.items", "silver.users"),
        writes=("features.user_days", "features.item_days", "gold.user_profiles", "gold.item_profiles"),
    ),
    JobSpec(
        name="understand",
        description="Correct queries and tell their categories, brands, colours, sizes and prices.",
        reads=("silver.searches", "silver.interactions", "silver.items"),
        writes=("features.query_text",),
    ),
    JobSpec(
        name="featurize",
        description="Build the vocabulary, TF-IDF, interest tags, behaviour sequences and training samples.",
        reads=("silver.interactions", "silver.items"),
        writes=(
            "features.vocabulary",
            "features.item_text",
            "features.user_interests",
            "features.positives",
            "features.behaviour_sequences",
            "features.retrieval_samples",
            "features.item_activity",
        ),
    ),
    JobSpec(
        name="characterise",
        description="Say what users are like, and how items stand among the others.",
        reads=(
            "silver.interactions",
            "silver.items",
            "silver.reviews",
            "features.user_days",
            "features.item_days",
            "gold.user_profiles",
            "gold.item_profiles",
        ),
        writes=("features.user_traits", "features.item_traits"),
    ),
    JobSpec(
        name="tag",
        description="Tag and describe users and items in words.",
        reads=("features.user_interests", "features.item_text"),
        writes=("features.user_descriptions", "features.item_descriptions"),
    ),
    JobSpec(
        name="embed",
        description="Make vectors of texts, words and items.",
        reads=("silver.items", "features.query_text", "features.positives"),
        writes=("features.text_vectors", "features.word_vectors", "features.item_vectors"),
    ),
    JobSpec(
        name="match",
        description="Say how well items answer queries, by their texts and by clicks.",
        reads=(
            "features.query_text",
            "features.text_vectors",
            "silver.items",
            "silver.searches",
            "silver.interactions",
        ),
        writes=("features.query_items",),
    ),
    JobSpec(
        name="describe",
        description="Describe how the values of every registered feature lie, and how far they have drifted.",
        reads=(
            "gold.user_profiles",
            "gold.item_profiles",
            "features.item_text",
            "features.user_interests",
            "features.behaviour_sequences",
            "features.retrieval_samples",
            "features.item_activity",
            "features.ranking_samples",
            "features.user_traits",
            "features.item_traits",
            "features.query_items",
        ),
        writes=("gold.feature_statistics",),
    ),
    JobSpec(
        name="shard",
        description="Write the training samples of each fold as Petastorm shards with a manifest.",
        reads=(
            "features.retrieval_samples",
            "features.positives",
            "features.behaviour_sequences",
            "features.item_text",
            "features.vocabulary",
        ),
        writes=("shards/retrieval",),
        retrain=True,
    ),
    JobSpec(
        name="train",
        description="Train the deep models by Horovod, fit the baselines and, on past windows, the rankers.",
        reads=(
            "shards/retrieval",
            "features.positives",
            "features.behaviour_sequences",
            "features.item_text",
            "features.item_activity",
        ),
        writes=("models/current.json", "features.ranking_samples"),
        retrain=True,
    ),
    JobSpec(
        name="evaluate",
        description="Evaluate every model on held-out events, choose on validation, test once.",
        reads=(
            "models/current.json",
            "features.positives",
            "features.behaviour_sequences",
            "features.item_text",
            "gold.user_profiles",
        ),
        writes=("gold.evaluations", "models/chosen.json"),
        retrain=True,
    ),
    JobSpec(
        name="recommend",
        description="Publish each user's lists and each item's neighbours.",
        reads=(
            "models/current.json",
            "models/chosen.json",
            "features.behaviour_sequences",
            "features.vocabulary",
            "silver.items",
        ),
        writes=("gold.recommendations", "gold.similar_items"),
    ),
    JobSpec(
        name="report",
        description="Draw the run as one page, with the Data Docs beside it.",
        reads=(
            "silver.interactions",
            "silver.items",
            "silver.searches",
            "silver.quarantine",
            "gold.user_profiles",
            "gold.item_profiles",
            "gold.feature_statistics",
            "gold.evaluations",
            "gold.recommendations",
            "gold.similar_items",
            "features.user_interests",
            "features.query_text",
            "models/current.json",
            "models/chosen.json",
        ),
        writes=("report/index.html",),
    ),
)

ON_DEMAND: tuple[JobSpec, ...] = (
    replace(
        next(job for job in JOBS if job.name == "clean"),
        name="replay",
        description="Land the quarantined lines that a mended source file or rule accepts; others stay as they are.",
        alone_with="clean",
    ),
)
"""Jobs that a person asks for: no part of the graph, for they write what jobs of the graph write."""
