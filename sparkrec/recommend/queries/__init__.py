"""Results of queries: retrievers, their candidates, how these are ordered, and the published table."""
