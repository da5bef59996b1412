"""What each table is: the schema files as models, rendered for one engine per file.

Importing this package loads no engine; ``spark``, ``expectations`` and ``markdown`` are imported by name.
"""

from sparkrec.contracts.contract import Contract, OutlierRule
from sparkrec.contracts.load import all_contracts, load_contract

__all__ = ["Contract", "OutlierRule", "all_contracts", "load_contract"]
