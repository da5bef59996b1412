"""The deep models that find candidates: one entry each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sparkrec.config.settings import (
    DeepSettings,
    GruSettings,
    MatrixFactorisationSettings,
    SelfAttentionSettings,
    TwoTowerSettings,
)
from sparkrec.models.gru import GruRetriever
from sparkrec.models.matrix_factorisation import MatrixFactorisation
from sparkrec.models.retriever import Retriever
from sparkrec.models.self_attention import SelfAttentionRetriever
from sparkrec.models.two_tower import TwoTower


@dataclass(frozen=True)
class Sizes:
    """Rows of the embeddings: sizes of the vocabularies."""

    users: int
    items: int
    words: int


@dataclass(frozen=True)
class RetrieverKind:
    """A deep model by name; its options are the settings' section of that name.

    Attributes:
        settings: Type of its options.
        build: Makes it.
    """

    settings: type[DeepSettings]
    build: Callable[[Any, Sizes], Retriever]


RETRIEVERS: dict[str, RetrieverKind] = {
    "two_tower": RetrieverKind(
        TwoTowerSettings, lambda config, sizes: TwoTower(config, sizes.users, sizes.items, sizes.words)
    ),
    "matrix_factorisation": RetrieverKind(
        MatrixFactorisationSettings, lambda config, sizes: MatrixFactorisation(config, sizes.users, sizes.items)
    ),
    "self_attention": RetrieverKind(
        SelfAttentionSettings, lambda config, sizes: SelfAttentionRetriever(config, sizes.items)
    ),
    "gru": RetrieverKind(GruSettings, lambda config, sizes: GruRetriever(config, sizes.items)),
}
