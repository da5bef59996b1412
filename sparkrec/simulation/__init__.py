"""A made-up web shop: its event log as it would land, and beside it the truth that the log hides."""

from sparkrec.simulation.settings import SimulationSettings
from sparkrec.simulation.write import simulate

__all__ = ["SimulationSettings", "simulate"]
