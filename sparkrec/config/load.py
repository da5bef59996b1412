"""Load the layered configuration: base <- env <- source <- ``--set``."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sparkrec.config.paths import anchored, roots
from sparkrec.config.settings import Settings, SourceSettings, SparkSettings
from sparkrec.errors import ConfigurationError
from sparkrec.masking import know

Tree = dict[str, Any]
Model = TypeVar("Model", bound=BaseModel)

_NONE: Mapping[str, Any] = MappingProxyType({})


def load_settings(
    env: str,
    source: str | Path,
    lake: str,
    run_date: date | None = None,
    overrides: Sequence[str] = (),
) -> Settings:
    """Merge ``conf/base.yaml``, ``conf/env/<env>.yaml``, the source file and ``key=value`` overrides.

    Relative paths start at the folder of the source file that names them; those of ``conf/`` at the project's
    folder, and those of the arguments at the working directory.

    Args:
        env: Name of a file in ``conf/env/``.
        source: Path of a source file, or the name of one in ``conf/sources/``.
        lake: Folder or URI of the lake.
        run_date: The last day that the run knows; None takes the data's last day.
        overrides: ``section.key=value`` pairs, the value in YAML; the last one wins.

    Raises:
        ConfigurationError: A file is missing or not YAML, or a key is unknown or has a wrong value.
    """
    file = _find_source(source)
    own = anchored(Settings, _source_tree(file), file.parent)
    tree = _merge(_env_tree(env), own)
    named = {"env": env, "lake": lake} | ({"run_date": run_date} if run_date else {})
    return validated(Settings, tree, overrides, f"source {source}", named)


def load_spark_settings(env: str) -> SparkSettings:
    """The Spark settings of an environment, for commands that need no source.

    Raises:
        ConfigurationError: As `load_settings`.
    """
    return validated(SparkSettings, _env_tree(env).get("spark", {}), (), f"--env {env}")


def validated(
    model: type[Model], tree: Mapping[str, Any], overrides: Sequence[str], what: str, named: Mapping[str, Any] = _NONE
) -> Model:
    """The model of a tree of keys and values, over them ``key=value`` overrides, over these what options named.

    Raises:
        ConfigurationError: An override is no ``key=value``, or a key of ``what`` is unknown or has a wrong value.
    """
    for given in (*map(_override_tree, overrides), named):
        tree = _merge(tree, anchored(model, given, Path.cwd()))
    # What is said of them from here on masks the secrets among them.
    know(tree)
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, what)) from None


def _env_tree(env: str) -> Tree:
    """``conf/base.yaml`` and the environment's file, one's own project's over sparkrec's."""
    files = [root / "conf" / "env" / f"{env}.yaml" for root in roots()]
    if not any(file.is_file() for file in files):
        known = sorted({path.stem for file in files for path in file.parent.glob("*.yaml")})
        raise ConfigurationError(f"--env {env}: no such environment; one of: {', '.join(known)}")
    tree: Tree = {}
    for name in ("conf/base.yaml", f"conf/env/{env}.yaml"):
        for root in reversed(roots()):
            if (root / name).is_file():
                tree = _merge(tree, anchored(Settings, _read(root / name), root))
    return tree


def _find_source(source: str | Path) -> Path:
    for path in (Path(source), *[root / "conf" / "sources" / f"{source}.yaml" for root in roots()]):
        if path.is_file():
            return path
    raise ConfigurationError(f"--source {source}: no such file, and no source of that name in conf/sources/")


def _source_tree(path: Path) -> Tree:
    """Put the source's own keys under ``source`` and leave the settings that it carries at the top."""
    content = _read(path)
    own = {key: content.pop(key) for key in SourceSettings.model_fields if key in content}
    return {**content, "source": own}


def _read(path: Path) -> Tree:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read as UTF-8 text: {error}") from None
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise ConfigurationError(f"{path}: not valid YAML{line}: {getattr(error, 'problem', error)}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}: expected keys and values, found {type(content).__name__}")
    return content


def _override_tree(override: str) -> Tree:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigurationError(f"--set {override}: expected key=value, such as training.ranks=1")
    try:
        value: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigurationError(f"--set {override}: the value is not valid YAML") from None
    for name in reversed(key.split(".")):
        value = {name: value}
    return dict(value)


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> Tree:
    """``above`` wins; mappings merge key by key."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged


def _explain(error: ValidationError, what: str) -> str:
    lines = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"])
        reason = "no such key" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"  {key}: {reason}")
    return f"configuration of {what} does not fit:\n" + "\n".join(lines)
