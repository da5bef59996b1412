"""The second stage: candidates of several retrievers, ordered by a booster that has learned from past windows."""
