"""Texts that a pretrained causal language model writes."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from sparkrec.config.settings import LanguageModelSettings
from sparkrec.text_models.presets import preset_folder


class LanguageModel:
    """Goes on with prompts, each time with the likeliest token, so that a prompt gives one text.

    Args:
        settings: Which preset of KerasHub, and how long prompt and text may be together.
    """

    def __init__(self, settings: LanguageModelSettings) -> None:
        self.settings = settings

    @cached_property
    def _model(self) -> Any:
        folder = preset_folder(self.settings.preset, "language_model.preset")
        # TensorFlow takes seconds to import, and not everyone who knows the settings writes.
        import keras_hub

        model = keras_hub.models.CausalLM.from_preset(str(folder))
        model.compile(sampler="greedy")
        return model

    def write(self, prompts: Sequence[str]) -> list[str]:
        """What comes after each prompt."""
        if not prompts:
            return []
        texts = self._model.generate(list(prompts), max_length=self.settings.max_tokens)
        return [text.removeprefix(prompt).strip() for prompt, text in zip(prompts, texts, strict=True)]
