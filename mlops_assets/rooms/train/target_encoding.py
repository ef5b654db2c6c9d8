"""Categories as the mean outcome of each, so that a row's own outcome never enters its own encoding."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.preprocessing import TargetEncoder

FOLDS = 5


def target_encoder(seed: int) -> "TargetEncoder":
    """An encoder that is fitted with the pipeline, on its training rows alone.

    While it is fitted each training row is encoded by the means of the other folds; later rows by those of all, shrunk
    towards the whole mean where a category is rare. A category that training has not seen gets the whole mean.
    (Micci-Barreca, 2001: A preprocessing scheme for high-cardinality categorical attributes.)
    """
    from sklearn.model_selection import KFold
    from sklearn.preprocessing import TargetEncoder

    return TargetEncoder(smooth="auto", cv=KFold(FOLDS, shuffle=True, random_state=seed))
