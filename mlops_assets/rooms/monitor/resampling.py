"""Windows drawn from the reference itself: what a window looks like when nothing has changed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from mlops_assets.rooms.monitor.chunks import WEEK, Chunks

if TYPE_CHECKING:
    from mlops_assets.rooms.monitor.encoding import Floats

RESAMPLES: Final = 400
FEW: Final = 20


@dataclass(frozen=True)
class Draws:
    """Pseudo-windows, a row each.

    Attributes:
        inside: 1 where a chunk of the reference is in the window.
        outside: 1 where a chunk stands for the reference: not in the window, and not within a week of it.
        scale: by which a difference of means is multiplied, as fewer chunks stray further: its square is
            (1/k + 1/C) over the same of the drawn window and what is left of the reference.
        away: weights, a row a window, of the windows that have no week in common with it.
    """

    inside: "Floats"
    outside: "Floats"
    scale: "Floats"
    away: "Floats"


def draw(chunks: Chunks, size: int, *, seed: int, resamples: int = RESAMPLES) -> Draws:
    """Draw windows of so many neighbouring chunks; where those are few, of blocks of at least a week.

    Calibration and judgement stay apart: a pseudo-window is never compared with its own week.

    Args:
        chunks: of the reference.
        size: of the window, in chunks.
        seed: of the drawing.
        resamples: how many windows.
    """
    count, taken = chunks.count, min(size, chunks.count // 2)
    block = taken if size <= count // 8 else min(taken, max(WEEK if chunks.in_time else 1, count // 6))
    reach = min(chunks.week, count // 6) if chunks.in_time else 0
    random = np.random.default_rng(seed)
    inside, near = np.zeros((resamples, count)), np.zeros((resamples, count))
    for row in range(resamples):
        picked = random.permutation(count // block)[: -(-taken // block)]
        starts = random.integers(count) + picked * block
        places = (starts[:, None] + np.arange(block)).ravel()[:taken] % count
        inside[row, places] = 1
        near[row, ((places[:, None] + np.arange(-reach, reach + 1)) % count).ravel()] = 1
    outside = 1 - near
    cramped = outside.sum(axis=1) < count / 4
    outside[cramped] = 1 - inside[cramped]
    left = 1 / inside.sum(axis=1) + 1 / outside.sum(axis=1)
    return Draws(inside, outside, np.sqrt((1 / size + 1 / count) / left), _away(inside, outside))


def _away(inside: "Floats", outside: "Floats") -> "Floats":
    shared = (1 - outside) @ inside.T / inside.sum(axis=1)
    away = (shared == 0).astype(np.float64)
    lonely = away.sum(axis=1) < FEW
    away[lonely] = np.maximum(1 - shared[lonely], 1e-6)
    mean: Floats = away / away.sum(axis=1, keepdims=True)
    return mean
