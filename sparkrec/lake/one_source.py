"""A lake is one source's: the tables behind bronze have room for no second one yet."""

from sparkrec.config.settings import LOOKUP_OF, SourceSettings
from sparkrec.errors import ConfigurationError
from sparkrec.layout import table_names


def check_source(lake: str, source: SourceSettings) -> None:
    """See by the folders in bronze that the lake is empty or holds this source and its lookups alone.

    Raises:
        ConfigurationError: It holds another one.
    """
    tables = [name.partition(".")[2] for name in table_names(lake.rstrip("/"), ("bronze",))]
    others = sorted({name.split(LOOKUP_OF)[0] for name in tables} - {source.name})
    if others:
        raise ConfigurationError(
            f"the lake {lake} holds the source {', '.join(others)}, whose tables the source {source.name} would "
            f"replace: name another --lake; or, if {source.name} is a new name for {others[0]}, keep the old one "
            "in the source file"
        )
