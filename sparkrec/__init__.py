"""sparkrec: batch features, training and published lists for e-commerce search and recommendation.

import sparkrec

lake = sparkrec.open_lake("build/demo/lake")
lake.pandas("gold.recommendations", where=[("user_id", "==", "12748")])
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sparkrec.version import __version__

if TYPE_CHECKING:
    from sparkrec.api import OpenLake, open_lake, run, settings, use_project

__all__ = ["OpenLake", "__version__", "open_lake", "run", "settings", "use_project"]


def __getattr__(name: str) -> Any:
    # The jobs' packages import this one, and so does Airflow: it stays light.
    if name in __all__:
        return getattr(import_module("sparkrec.api"), name)
    raise AttributeError(f"module 'sparkrec' has no attribute {name!r}")
