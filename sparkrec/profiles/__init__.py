"""User and item profiles: pure functions from clean events to one row a user or item."""
