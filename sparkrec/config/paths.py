"""Where the project's own files lie."""

import os
from pathlib import Path


def project_root() -> Path:
    """Folder that holds ``conf/`` and ``schemas/``.

    It is the folder above the package, or ``SPARKREC_HOME`` where the package was installed
    apart from them (a cluster's nodes).
    """
    home = os.environ.get("SPARKREC_HOME")
    return Path(home) if home else Path(__file__).resolve().parents[2]
