"""What code a model was made by."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pkgutil import iter_modules


@cache
def digest_of(*names: str) -> str:
    """SHA-256 of the source of modules and of packages with all that is in them.

    Args:
        names: Their dotted names.

    Raises:
        ModuleNotFoundError: There is no such module, or none with a source.
    """
    digest = hashlib.sha256()
    for name in names:
        for module, source in _sources(name):
            digest.update(f"{module} {len(source)}\n{source}".encode())
    return digest.hexdigest()


def _sources(name: str) -> Iterator[tuple[str, str]]:
    """Name and source of a module and of all below it, in one order; those of a project may lie in an archive."""
    spec = find_spec(name)
    source = getattr(spec.loader, "get_source", lambda name: None)(name) if spec else None
    if spec is None or source is None:
        raise ModuleNotFoundError(f"no source of {name}")
    yield name, source
    for found in sorted(iter_modules(spec.submodule_search_locations or []), key=lambda module: module.name):
        yield from _sources(f"{name}.{found.name}")
