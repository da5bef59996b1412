"""What code a model was made by."""

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path


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
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"no source of {name}")
        folder = Path(spec.origin).parent
        files = sorted(folder.rglob("*.py")) if spec.submodule_search_locations else [Path(spec.origin)]
        for file in files:
            content = file.read_bytes()
            digest.update(f"{name} {file.relative_to(folder)} {len(content)}\n".encode() + content)
    return digest.hexdigest()
