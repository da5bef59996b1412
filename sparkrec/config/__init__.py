"""The settings of a run: pydantic models and the one way to load them."""

from sparkrec.config.load import load_settings
from sparkrec.config.paths import shipped_root
from sparkrec.config.settings import Settings

__all__ = ["Settings", "load_settings", "shipped_root"]
