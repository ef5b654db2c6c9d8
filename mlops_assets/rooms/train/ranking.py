"""How well scores put rows in order, a resample of blocks at a time."""

from typing import TYPE_CHECKING, Final

from mlops_assets.rooms.train.metric import ratio

if TYPE_CHECKING:
    from mlops_assets.rooms.train.metric import Floats, Ints

CHUNK_BYTES: Final = 2_000_000
"""Of what is worked on at a time: about what a core keeps close by, which takes half the time of 32 MB."""


def roc_auc(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Share of (yes, no) pairs ranked rightly, from the won pairs between each two blocks."""
    import numpy as np

    count = weights.shape[1]
    order = np.argsort(scores, kind="stable")
    scores, blocks, positive = scores[order], blocks[order], outcomes[order] > 0
    asked, asked_block = scores[positive], blocks[positive]
    rivals, rival_block = scores[~positive], blocks[~positive]
    won = np.zeros((count, count))
    for block in np.unique(rival_block):
        own = rivals[rival_block == block]
        below = np.searchsorted(own, asked, "left") + np.searchsorted(own, asked, "right")
        won[:, block] = np.bincount(asked_block, weights=below / 2, minlength=count)
    positives = weights @ np.bincount(asked_block, minlength=count).astype(np.float64)
    negatives = weights @ np.bincount(rival_block, minlength=count).astype(np.float64)
    return ratio(((weights @ won) * weights).sum(axis=1), positives * negatives)


def average_precision(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """Precision at each threshold, weighted by the recall that it adds; equal scores share a threshold."""
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    scores, blocks, positive = scores[order], blocks[order], outcomes[order] > 0
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))
    figures = np.empty(len(weights))
    step = max(1, CHUNK_BYTES // (8 * max(1, len(scores))))
    for start in range(0, len(weights), step):
        drawn = weights[start : start + step][:, blocks]
        seen = np.cumsum(drawn, axis=1)[:, last]
        hits = np.cumsum(drawn * positive, axis=1)[:, last]
        precision = np.divide(hits, seen, out=np.zeros_like(hits), where=seen > 0)
        gained = np.sum(precision * np.diff(hits, axis=1, prepend=0), axis=1)
        figures[start : start + step] = ratio(gained, hits[:, -1])
    return figures


def roc_auc_ovr(outcomes: "Floats", scores: "Floats", blocks: "Ints", weights: "Floats") -> "Floats":
    """The mean, over the classes, of how well each one's probability tells it from the others."""
    import numpy as np

    present = [place for place in range(scores.shape[1]) if (outcomes == place).any()]
    each = [roc_auc((outcomes == k).astype(np.float64), scores[:, k], blocks, weights) for k in present]
    return np.asarray(np.mean(each, axis=0), dtype=np.float64)
