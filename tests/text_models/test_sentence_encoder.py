import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from scipy.special import erf
from tokenizers import Tokenizer

from sparkrec.config.settings import EncoderSettings
from sparkrec.errors import ConfigurationError
from sparkrec.text_models.presets import check_weights, preset_folder
from sparkrec.text_models.sentence_encoder import SentenceEncoder, check_encoder

SETTINGS = EncoderSettings()
TEXTS = [
    "WHITE HANGING HEART T-LIGHT HOLDER",
    "Café Lumière Classic Red Mug 250 ml",
    "红色马克杯",
    "cup",
    "a lamp that is rather long in the telling, with a shade of linen, a foot of brass and a cable of two metres",
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder(SETTINGS)


def test_texts_are_cut_to_the_tokens_of_the_published_tokenizer(encoder: SentenceEncoder) -> None:
    published = Tokenizer.from_file(str(check_encoder(SETTINGS) / "tokenizer.json"))
    published.no_padding()

    assert [ids.tolist() for ids in encoder.tokens(TEXTS)] == [published.encode(text).ids for text in TEXTS]


def test_vectors_are_those_of_the_published_weights(encoder: SentenceEncoder) -> None:
    weights = load_file(check_encoder(SETTINGS) / "model.safetensors")

    found = encoder.encode(TEXTS)

    assert found.shape == (len(TEXTS), 384)
    tokens = encoder.tokens(TEXTS)
    # KerasHub takes the approximation of the activation that Hendrycks and Gimpel (2016) give beside it.
    np.testing.assert_allclose(found, np.stack([_forward(weights, ids, _gelu_by_tanh) for ids in tokens]), atol=1e-5)
    np.testing.assert_allclose(found, np.stack([_forward(weights, ids, _gelu) for ids in tokens]), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-6)


def test_a_text_has_one_vector_whatever_stands_beside_it(encoder: SentenceEncoder) -> None:
    many = [f"{text} {number}" for number in range(40) for text in TEXTS]

    together = encoder.encode(many)

    alone = np.concatenate([encoder.encode([text]) for text in many[::17]])
    np.testing.assert_allclose(together[::17], alone, atol=1e-6)
    assert encoder.encode([]).shape[0] == 0


def test_long_texts_are_cut(encoder: SentenceEncoder) -> None:
    short = SentenceEncoder(SETTINGS.model_copy(update={"max_tokens": 6}))

    assert [len(ids) for ids in short.tokens(TEXTS)][-1] == 6
    np.testing.assert_array_equal(short.tokens(TEXTS)[-1][:5], encoder.tokens(TEXTS)[-1][:5])


def test_other_weights_than_named_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"other weights")

    with pytest.raises(ConfigurationError, match=r"encoder\.sha256: .*model\.safetensors has [0-9a-f]{64}"):
        check_weights(tmp_path, SETTINGS.sha256, "encoder.sha256")


@pytest.mark.parametrize(
    ("preset", "told"),
    [("/no/such/folder", "there is no folder"), ("package:no_such_package/model", "no_such_package is not installed")],
)
def test_a_preset_that_is_not_there_is_told(preset: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"encoder\.preset: .*{told}"):
        preset_folder(preset, "encoder.preset")


def _gelu(x: np.ndarray) -> np.ndarray:
    return x * 0.5 * (1 + erf(x / math.sqrt(2)))


def _gelu_by_tanh(x: np.ndarray) -> np.ndarray:
    return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _forward(
    weights: dict[str, np.ndarray], ids: np.ndarray, gelu: Callable[[np.ndarray], np.ndarray], heads: int = 12
) -> np.ndarray:
    """The encoder by the book (Devlin et al., 2019), and the mean of its tokens' vectors, of length 1."""

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    table = "embeddings.{}_embeddings.weight".format
    x = weights[table("word")][ids] + weights[table("position")][: len(ids)] + weights[table("token_type")][0]
    x = norm(x.astype(np.float64), "embeddings.LayerNorm")
    for layer in range(6):
        name = f"encoder.layer.{layer}"
        q, k, v = (
            dense(x, f"{name}.attention.self.{part}").reshape(len(ids), heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        seen = (shares / shares.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(ids), -1)
        x = norm(x + dense(seen, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
        hidden = gelu(dense(x, f"{name}.intermediate.dense"))
        x = norm(x + dense(hidden, f"{name}.output.dense"), f"{name}.output.LayerNorm")
    mean = x.mean(0)
    return mean / np.linalg.norm(mean)
