"""Where the key of user ids comes from, and what is refused."""

from pathlib import Path

import pytest

from sparkrec.config.privacy_key import FILE_VARIABLE, VARIABLE, privacy_key
from sparkrec.config.settings import PrivacySettings
from sparkrec.errors import ConfigurationError

KEY = "0123456789abcdef"
OTHER = "another key of the environment"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (VARIABLE, FILE_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def key_file(folder: Path, content: str = f"{KEY}\n", mode: int = 0o600) -> str:
    file = folder / "key"
    file.write_text(content)
    file.chmod(mode)
    return str(file)


def test_the_key_comes_from_the_settings_a_named_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = key_file(tmp_path)
    monkeypatch.setenv(VARIABLE, OTHER)
    assert privacy_key(PrivacySettings()) == OTHER.encode()
    # The settings name the file of this source, the environment that of all.
    assert privacy_key(PrivacySettings(key_file=file)) == KEY.encode()

    monkeypatch.setenv(FILE_VARIABLE, file)
    with pytest.raises(ConfigurationError, match=f"^{VARIABLE} and {FILE_VARIABLE} are both set: unset one of them$"):
        privacy_key(PrivacySettings())
    monkeypatch.delenv(VARIABLE)
    assert privacy_key(PrivacySettings()) == KEY.encode()


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o640, 0o660, 0o644, 0o777])
def test_a_file_that_others_can_read_or_change_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, key_file(tmp_path, mode=mode))

    with pytest.raises(ConfigurationError) as error:
        privacy_key(PrivacySettings())

    told = f"{FILE_VARIABLE}: {tmp_path}/key can be read by others (mode {mode:04o}): chmod 600 {tmp_path}/key"
    assert str(error.value) == told


@pytest.mark.parametrize(
    ("content", "told"),
    [("short", "fewer than 16"), ("\n", f"set {FILE_VARIABLE}"), (None, f"{FILE_VARIABLE}: .* FileNotFoundError")],
)
def test_a_key_that_is_none_is_told_without_showing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, told: str
) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "none") if content is None else key_file(tmp_path, content))

    with pytest.raises(ConfigurationError, match=told) as error:
        privacy_key(PrivacySettings())

    assert "short" not in str(error.value)


def test_no_key_at_all_is_told() -> None:
    with pytest.raises(ConfigurationError, match=f"set {FILE_VARIABLE}, {VARIABLE} or privacy.key_file"):
        privacy_key(PrivacySettings(pseudonymise=True))
