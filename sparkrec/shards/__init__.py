"""Petastorm shards: Spark writes them, the ranks read them, a manifest stands between."""
