"""Measure lists: one value for each list, metric and segment."""

import numpy as np
import pandas as pd

from sparkrec.evaluation.catalogue import Catalogue, list_properties
from sparkrec.evaluation.metrics import list_metrics
from sparkrec.evaluation.segments import HEAD, TAIL, WHOLE

_WHOSE = ["user_hash", "model", "shelf"]


def list_values(lists: pd.DataFrame, catalogue: Catalogue, k: int) -> pd.DataFrame:
    """Metrics and properties of each list, and NDCG once more for each of the user's segments and for head and tail.

    Of head and tail only the targets of that group count, each hit in the place that it has in the whole list; a list
    without such a target does not count there.

    Args:
        lists: Some of what `evaluated` gives, with ``user_hash`` in the place of ``user_id``.
        catalogue: The items.
        k: Cut-off, at most the places of the lists.

    Returns:
        ``user_hash, model, shelf, metric, segment, value``.
    """
    leading = f"ndcg@{k}"
    items, hits = np.stack(lists["items"].to_list()), np.stack(lists["hits"].to_list())
    targets, head_targets = lists["targets"].to_numpy(np.int64), lists["head_targets"].to_numpy(np.int64)
    whose = lists[_WHOSE]
    values = list_metrics(hits, targets, k) | list_properties(items, catalogue, k)
    found = [whose.assign(metric=metric, segment=WHOLE, value=value) for metric, value in values.items()]
    by_user = whose.assign(metric=leading, segment=lists["segments"], value=values[leading])
    found.append(by_user.explode("segment").dropna(subset="segment"))
    of_head = catalogue.head[items]
    by_item = {HEAD: (hits & of_head, head_targets), TAIL: (hits & ~of_head, targets - head_targets)}
    for segment, (of_group, wanted) in by_item.items():
        counted = wanted > 0
        value = list_metrics(of_group[counted], wanted[counted], k)[leading]
        found.append(whose[counted].assign(metric=leading, segment=segment, value=value))
    return pd.concat(found, ignore_index=True)
