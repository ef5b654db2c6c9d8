"""How the next variant is chosen, by name: each a sampler of Optuna's made from a seed."""

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

STARTUP: Final = 10


def tpe(seed: int) -> "BaseSampler":
    """Tree-structured Parzen estimator: looks where the better variants were (Bergstra et al., 2011)."""
    from optuna.exceptions import ExperimentalWarning
    from optuna.samplers import TPESampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # of parameters told apart by the estimator's name
        return TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, group=True)


def random(seed: int) -> "BaseSampler":
    """Anywhere: what every other searcher has to beat (Bergstra and Bengio, 2012, JMLR 13)."""
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


SEARCHERS: Final[Mapping[str, Callable[[int], "BaseSampler"]]] = {"tpe": tpe, "random": random}
