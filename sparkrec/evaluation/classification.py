"""How well scores of single rows foresee their labels, as arrays. `classification_tables` does the same on Spark."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]

# Probabilities are kept away from 0 and 1 by it, or one row could make the log-loss infinite.
SMALLEST = float(np.finfo(np.float64).eps)


def auc(labels: Numbers, scores: Numbers) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, a tie counting half.

    Args:
        labels: 1 or 0, (rows,).
        scores: The higher, the likelier is 1, (rows,).

    Returns:
        NaN where one of the classes is missing.
    """
    return float(_areas(np.zeros(len(labels), np.int64), labels, scores)[0][0]) if len(labels) else float("nan")


def gauc(users: Numbers, labels: Numbers, scores: Numbers) -> float:
    """Mean of the users' own AUCs, each weighing as its rows (Zhu et al., "Optimized cost per click in Taobao display
    advertising", KDD 2017): whether each user's rows are in order, however users differ.

    A user without both classes does not count; NaN where nobody has both.
    """
    areas, rows = _areas(np.unique(users, return_inverse=True)[1], labels, scores)
    counted = ~np.isnan(areas)
    return float(np.average(areas[counted], weights=rows[counted])) if counted.any() else float("nan")


def _areas(users: NDArray[np.int64], labels: Numbers, scores: Numbers) -> tuple[NDArray[np.float64], Numbers]:
    """AUC and rows of each user, (users,); users are numbered from 0 on."""
    values, value = np.unique(scores, return_inverse=True)
    # Each user's different scores, in ascending order, with the positives and negatives that have each.
    pairs, place = np.unique(users * len(values) + value, return_inverse=True)
    positives = np.bincount(place, labels, len(pairs))
    negatives = np.bincount(place, minlength=len(pairs)) - positives
    owner = pairs // max(len(values), 1)
    of_user = np.bincount(owner, negatives)
    below = np.cumsum(negatives) - negatives - (np.cumsum(of_user) - of_user)[owner]
    won = np.bincount(owner, positives * (below + negatives / 2))
    compared = np.bincount(owner, positives) * of_user
    areas = np.divide(won, compared, out=np.full(len(won), np.nan), where=compared > 0)
    return areas, np.bincount(users)


def log_loss(labels: Numbers, scores: Numbers) -> float:
    """Mean of -ln of the probability that was given to what came true; scores are probabilities of 1."""
    likely = np.clip(scores, SMALLEST, 1 - SMALLEST)
    return float(-np.mean(labels * np.log(likely) + (1 - labels) * np.log(1 - likely)))


def mean_squared_error(labels: Numbers, scores: Numbers) -> float:
    """Mean of the squared differences. Of probabilities it is the score of Brier (1950); labels may be ratings."""
    return float(np.mean((labels - scores) ** 2))


def calibration_error(labels: Numbers, scores: Numbers, bins: int = 10) -> float:
    """Expected calibration error: by how much probabilities are off the share that comes true, in bins of one width.

    The mean over the rows of |mean label - mean score| of their bin (Naeini et al., "Obtaining well calibrated
    probabilities using Bayesian binning", AAAI 2015). A bin holds its lower end, the last one 1, too.
    """
    place = np.clip((scores * bins).astype(np.int64), 0, bins - 1)
    return float(np.abs(np.bincount(place, labels - scores)).sum() / len(scores))


def confusion(labels: Numbers, scores: Numbers, threshold: float = 0.5) -> dict[str, int]:
    """Rows by label and by whether they score at least the threshold, which makes them foreseen as positive."""
    positive, foreseen = labels == 1, scores >= threshold
    return {
        "true_positives": int((positive & foreseen).sum()),
        "false_positives": int((~positive & foreseen).sum()),
        "false_negatives": int((positive & ~foreseen).sum()),
        "true_negatives": int((~positive & ~foreseen).sum()),
    }


def threshold_metrics(labels: Numbers, scores: Numbers, threshold: float = 0.5) -> dict[str, float]:
    """Accuracy, precision, recall and their harmonic mean, F1, of what scores at least the threshold.

    Precision is 0 where nothing does, recall where there is no positive, F1 where there is neither.
    """
    found = confusion(labels, scores, threshold)
    hits = found["true_positives"]
    foreseen, positives = hits + found["false_positives"], hits + found["false_negatives"]
    return {
        "accuracy": (hits + found["true_negatives"]) / len(labels),
        "precision": hits / max(foreseen, 1),
        "recall": hits / max(positives, 1),
        "f1": 2 * hits / max(foreseen + positives, 1),
    }
