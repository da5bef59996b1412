"""The models that lists can come from: one entry each, deep ones and baselines alike.

Rankers, which order what these find, stand apart (`sparkrec.recommend.ranker.rankers`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from pydantic import BaseModel
from pyspark.sql import DataFrame

from sparkrec.config import Settings
from sparkrec.config.extensions import declared
from sparkrec.config.load import validated
from sparkrec.config.settings import BaselineSettings
from sparkrec.errors import ConfigurationError
from sparkrec.recommend.ranker.rankers import rankers_named
from sparkrec.recommend.scorers import als, co_occurrence, ease, own_frequency, popularity
from sparkrec.recommend.scorers.dot_product import DotProduct
from sparkrec.recommend.scorers.item_item import ItemItem
from sparkrec.recommend.scorers.own_frequency import OwnFrequency
from sparkrec.recommend.scorers.popularity import Popularity
from sparkrec.recommend.scorers.scorer import Fitted, Scorer
from sparkrec.recommend.scorers.titles import nearest_titles
from sparkrec.recommend.users import Floats


@dataclass(frozen=True)
class FitData:
    """What a baseline is fitted on: all that one fold knows.

    Attributes:
        known: features.positives that the fold knows.
        sequences: features.behaviour_sequences of the fold.
        item_text: features.item_text.
        users: Size of the user vocabulary.
        items: Size of the item vocabulary.
        settings: Options of the baselines.
        seed: Seed of whatever is drawn.
        scratch: Folder of the lake in which a fit may lay files for the executors; it is removed after all fits.
        options: Options of models of one's own project, by model (`options_of`).
    """

    known: DataFrame
    sequences: DataFrame
    item_text: DataFrame
    users: int
    items: int
    settings: BaselineSettings
    seed: int
    scratch: str
    options: Mapping[str, BaseModel] = field(default_factory=dict)

    @cached_property
    def buyers(self) -> Floats:
        """Different users of each item, (items,)."""
        return popularity.buyers_per_item(self.known, self.items)

    @cached_property
    def ease(self) -> DataFrame:
        """EASE on the binary matrix, for all models that need it, made once as long as the fits last."""
        return _ease(self, None, self.settings.ease_regularisation).persist()

    def release(self) -> None:
        """Let go of what was kept for several models."""
        if "ease" in vars(self):
            self.ease.unpersist()


@dataclass(frozen=True)
class Model:
    """A model by name.

    Attributes:
        name: As in gold.evaluations.
        scorer: Makes scores of the arrays.
        fit: Fits it at a fold; None where the deep training does.
        whole_catalogue: Whether its fit holds items x items numbers, so that it is left out of large catalogues.
        timeless: Whether it is the same at every fold, so that it is fitted once.
        options: What can be set about a model of one's own project, in the section ``models.<name>``.
    """

    name: str
    scorer: type[Scorer]
    fit: Callable[[FitData], Fitted] | None
    whole_catalogue: bool = False
    timeless: bool = False
    options: type[BaseModel] | None = None

    @property
    def deep(self) -> bool:
        """Whether the deep training makes it."""
        return self.fit is None


def _ease(data: FitData, half_life_days: float | None, regularisation: float) -> DataFrame:
    products = co_occurrence.gram(data.sequences, data.items, half_life_days)
    scratch = f"{data.scratch}/products-{half_life_days}"
    return ease.nearest(products, scratch, data.items, regularisation, data.settings.neighbours)


def _frequency_and_ease(data: FitData) -> Fitted:
    return Fitted({"own_weight": np.array(data.settings.frequency_weight)}, items=data.ease)


def _decayed_ease(data: FitData) -> Fitted:
    half_life = data.settings.ease_half_life_days
    weights = _ease(data, half_life, data.settings.ease_decayed_regularisation)
    return Fitted({"half_life_days": np.array(half_life)}, items=weights)


def _als(data: FitData) -> Fitted:
    options = data.settings
    return als.fit(
        data.known,
        options.als_factors,
        options.als_alpha,
        options.als_regularisation,
        options.als_iterations,
        data.seed,
    )


def _title_similarity(data: FitData) -> Fitted:
    options, scratch = data.settings, f"{data.scratch}/titles"
    return Fitted(
        {}, items=nearest_titles(data.item_text, scratch, data.items, options.title_power, options.neighbours)
    )


def _item_knn(data: FitData) -> Fitted:
    return Fitted({}, items=co_occurrence.item_knn(data.sequences, data.buyers, data.settings.neighbours))


def _recent_neighbours(data: FitData) -> Fitted:
    days, most = data.settings.recent_days, data.settings.neighbours
    return Fitted({}, items=co_occurrence.recent_neighbours(data.sequences, data.items, days, most))


MODELS: tuple[Model, ...] = (
    Model("popularity", Popularity, lambda data: Fitted({"scores": data.buyers})),
    Model(
        "recent_popularity",
        Popularity,
        lambda data: Fitted({"scores": popularity.buyers_per_item(data.known, data.items, data.settings.recent_days)}),
    ),
    Model("own_frequency", OwnFrequency, lambda data: Fitted(own_frequency.fit(data.buyers))),
    Model(
        "own_frequency_decayed",
        OwnFrequency,
        lambda data: Fitted(own_frequency.fit_decayed(data.buyers, data.settings.frequency_half_life_days)),
    ),
    Model("item_knn", ItemItem, _item_knn),
    Model("ease", ItemItem, lambda data: Fitted({}, items=data.ease), whole_catalogue=True),
    Model("frequency_ease", ItemItem, _frequency_and_ease, whole_catalogue=True),
    Model("ease_decayed", ItemItem, _decayed_ease, whole_catalogue=True),
    Model("title_similarity", ItemItem, _title_similarity, timeless=True),
    Model("recent_neighbours", ItemItem, _recent_neighbours),
    Model("als", DotProduct, _als),
    Model("two_tower", DotProduct, None),
    Model("matrix_factorisation", DotProduct, None),
    Model("self_attention", DotProduct, None),
    Model("gru", DotProduct, None),
)


def all_models() -> tuple[Model, ...]:
    """`MODELS`, and those of one's own project: ``MODELS`` of its ``sparkrec_extensions/models.py``.

    Raises:
        ConfigurationError: One of the latter has no `fit`, or a name that is taken.
    """
    own: tuple[Model, ...] = declared("models", "MODELS", Model)
    taken = {*rankers_named(), *(model.name for model in MODELS)}
    for model in own:
        if model.deep or model.name in taken:
            why = "has no `fit`" if model.deep else "has a name that is taken"
            raise ConfigurationError(f"model {model.name} of sparkrec_extensions/models.py {why}")
        taken.add(model.name)
    return (*MODELS, *own)


def options_of(settings: Settings) -> dict[str, BaseModel]:
    """The options of the models that declare some, by model.

    Raises:
        ConfigurationError: ``models`` has a section of another model, or a wrong key or value: the message names it.
    """
    kinds = {model.name: model.options for model in all_models() if model.options}
    for name in settings.models:
        if name not in kinds:
            told = f"; there are: {', '.join(kinds)}" if kinds else ""
            raise ConfigurationError(f"models.{name}: no model of your project declares options by this name{told}")
    return {name: validated(kind, settings.models.get(name, {}), (), f"models.{name}") for name, kind in kinds.items()}


def model_named(name: str) -> Model:
    """The model of that name; KeyError where there is none."""
    return {model.name: model for model in all_models()}[name]
