"""A language model of a few hundred weights: it writes, but nothing that makes sense."""

import warnings
from pathlib import Path


def save_tiny_language_model(folder: Path) -> None:
    """Leave a preset of KerasHub in the folder, with little more than a token for each byte."""
    import keras
    import keras_hub
    from tokenizers.pre_tokenizers import ByteLevel

    keras.utils.set_random_seed(1)
    # One merge, for KerasHub reads none at all as numbers; the end is not token 0, which pads.
    tokens = [*sorted(ByteLevel.alphabet()), "re", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = keras_hub.models.GPT2Tokenizer(vocabulary=vocabulary, merges=["r e"])
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=len(vocabulary),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=256,
    )
    preprocessor = keras_hub.models.GPT2CausalLMPreprocessor(tokenizer, sequence_length=256)
    with warnings.catch_warnings():
        # Keras finds no `build` of its own in what KerasHub has built.
        warnings.filterwarnings("ignore", message="`build\\(\\)` was called on layer")
        keras_hub.models.GPT2CausalLM(backbone, preprocessor).save_to_preset(str(folder))
