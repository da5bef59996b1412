"""What can be set about a simulated shop."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sparkrec.config.load import validated


class SimulationSettings(BaseModel):
    """Size, faults and people of a simulated shop. A rate is a share from 0 to 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(1, description="The same seed and settings give the same lines.")
    events: int = Field(100_000, ge=1, description="Good events, approximately.")
    users: int = Field(2_000, ge=1, description="People; bots come on top.")
    items: int = Field(1_000, ge=1, le=1_000_000)
    days: int = Field(28, ge=1, le=3_650)
    start: date = Field(date(2026, 1, 1), description="First day (UTC).")
    sites: int = Field(3, ge=1, le=5, description="The first so many of uk, de, jp, us and fr.")
    bad_rate: float = Field(0.01, ge=0, le=0.5, description="Malformed lines among all lines.")
    duplicate_rate: float = Field(0.01, ge=0, le=0.5, description="Exact copies of a line, by good event.")
    redelivered_rate: float = Field(0.005, ge=0, le=0.5, description="Events that are sent again on a later day.")
    late_rate: float = Field(0.01, ge=0, le=1, description="Good events that arrive one to three days late.")
    bot_rate: float = Field(0.05, ge=0, lt=1, description="Good events that bots make.")
    cold_user_rate: float = Field(0.05, ge=0, le=1, description="People whose first event is in the last days.")
    cold_item_rate: float = Field(0.05, ge=0, le=0.4, description="Items whose first event is in the last days.")
    linked_rate: float = Field(0.6, ge=0, le=1, description="People who have an account and are logged in.")
    hot_item_share: float = Field(0.0, ge=0, le=0.95, description="Item events that hit one and the same item.")
    without: tuple[Literal["title", "price", "time_of_day"], ...] = Field((), description="Fields to leave out.")

    @property
    def cold_days(self) -> int:
        """Length of the last days, the only ones with events of cold people and items."""
        return max(1, self.days // 7)

    @property
    def start_millisecond(self) -> int:
        """When the first day begins, in milliseconds since 1970."""
        return (self.start - date(1970, 1, 1)).days * 86_400_000


def simulation_settings(given: dict[str, Any], overrides: Sequence[str] = ()) -> SimulationSettings:
    """Settings from ``key=value`` overrides and over them from named keys and values.

    Raises:
        ConfigurationError: A key is unknown or has a wrong value.
    """
    return validated(SimulationSettings, {}, overrides, "the simulation", given)
