"""Errors that a person can act on; the command line prints them without a traceback."""

from sparkrec.masking import mask


class SparkrecError(Exception):
    """Base of all errors whose message is meant for the person who started the run.

    ``exit_status`` is what the process ends with.

    Args:
        message: What went wrong; secrets in it are masked, such as those that a store repeats.
    """

    exit_status = 1

    def __init__(self, message: str) -> None:
        super().__init__(mask(message))


class ConfigurationError(SparkrecError):
    """Wrong use or configuration: the message names the key or option and what to write instead."""

    exit_status = 2


class DataError(SparkrecError):
    """The data cannot be processed: the message names the table or file, the cause and the count."""


class GateError(SparkrecError):
    """A table broke a rule that its contract marks ``fail``: the table keeps its last good version."""


class UnfinishedError(SparkrecError):
    """All that was asked for is done in the lake; the message says what is left for a person to do outside of it."""

    exit_status = 3
