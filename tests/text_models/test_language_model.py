import pytest
from tiny_language_model import save_tiny_language_model

from sparkrec.config.settings import LanguageModelSettings
from sparkrec.text_models.language_model import LanguageModel


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> LanguageModelSettings:
    folder = tmp_path_factory.mktemp("preset")
    save_tiny_language_model(folder)
    return LanguageModelSettings(preset=str(folder), max_tokens=40)


def test_a_prompt_gives_one_text_and_is_no_part_of_it(settings: LanguageModelSettings) -> None:
    prompts = ["Words: red, mug\nTags:", "Words: oak\nTags:"]

    texts = LanguageModel(settings).write(prompts)

    assert texts == LanguageModel(settings).write(prompts)
    assert all(texts)
    assert not any(text.startswith("Words") for text in texts)
    assert LanguageModel(settings).write([]) == []
