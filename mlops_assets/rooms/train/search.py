"""The search for a better variant: each is given up when it falls behind, and none is tried twice after a kill."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from mlops_assets.errors import UnknownName
from mlops_assets.rooms.train.searchers import SEARCHERS
from mlops_assets.rooms.train.spaces import STARTS, space, suggested

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

    from mlops_assets.spec.search import Search

ESTIMATOR: Final = "estimator"
SETTLED: Final = ("COMPLETE", "PRUNED")

Measure = Callable[[str, Mapping[str, Any], Callable[[int, float], bool]], float]
"""(estimator, parameters, report) to the figure; `report(step, figure)`, a fold each, says whether to give up."""


@dataclass(frozen=True)
class Tried:
    """One variant.

    Attributes:
        number: in the order in which they were settled, from 0.
        estimator: the candidate.
        parameters: its own.
        figure: of the objective; None when it was given up before the end.
        seconds: that it took.
    """

    number: int
    estimator: str
    parameters: Mapping[str, Any]
    figure: float | None
    seconds: float = field(compare=False)


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes:
        best: the best variant of all.
        tried: every variant.
        stopped: whether the time ran out before the trials.
        warm: whether the best of an earlier search was tried first.
    """

    best: Tried
    tried: tuple[Tried, ...]
    stopped: bool
    warm: bool

    def first(self, count: int, *, greater_is_better: bool) -> "tuple[Tried, ...]":
        """So many of the best variants at most, no two of them alike."""
        sign = -1 if greater_is_better else 1
        known = sorted((each for each in self.tried if each.figure is not None), key=lambda e: sign * (e.figure or 0.0))
        apart: dict[tuple[str, str], Tried] = {}
        for each in known:
            apart.setdefault((each.estimator, json.dumps(each.parameters, sort_keys=True)), each)
        return tuple(apart.values())[:count]


@dataclass(frozen=True)
class Plan:
    """One search.

    Attributes:
        search: the declaration.
        name: by which it is found again after a kill: of the same ingredients, and of no other.
        journal: the file that keeps all of a model's searches.
        seed: of all that is drawn.
        greater_is_better: the objective's direction.
    """

    search: "Search"
    name: str
    journal: Path
    seed: int
    greater_is_better: bool


def search(plan: Plan, measure: Measure, told: Callable[[Tried, int], None] = lambda *_: None) -> Found:
    """Go on until the trials or the seconds are used up; what an earlier call left is taken up where it was.

    Each trial draws from its own seed and from what the ones before showed, so that a search that was killed and one
    that was not end alike. (TPE: Bergstra et al., 2011, NeurIPS 24.)

    Args:
        plan: the search.
        measure: trains and scores a variant.
        told: called with each variant, and how many are settled.

    Raises:
        UnknownName: no such searcher, or nothing is known of an estimator.
    """
    study, begun = _opened(plan), time.perf_counter()
    ranges = {name: space(plan.search, name) for name in plan.search.estimators}
    while (done := len(_settled(study))) < plan.search.trials and not _late(plan.search, begun, done):
        study.sampler = _sampler(plan.search.searcher, plan.seed + done)
        trial = study.ask()
        _run(study, trial, ranges, measure, prune=plan.search.prune)
        told(_tried(done, study.trials[trial.number]), done + 1)
    tried = tuple(_tried(number, trial) for number, trial in enumerate(_settled(study)))
    known = [each for each in tried if each.figure is not None]
    best = (max if plan.greater_is_better else min)(known, key=lambda each: each.figure or 0.0)
    return Found(best, tried, len(tried) < plan.search.trials, bool(study.user_attrs.get("warm")))


def _opened(plan: Plan) -> "Study":
    """The study, new or as it was left; a new one starts with what is known to be good."""
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    plan.journal.parent.mkdir(parents=True, exist_ok=True)
    storage = JournalStorage(JournalFileBackend(str(plan.journal)))
    direction: Literal["maximize", "minimize"] = "maximize" if plan.greater_is_better else "minimize"
    pruner = optuna.pruners.MedianPruner(n_startup_trials=4) if plan.search.prune else optuna.pruners.NopPruner()
    earlier = [study for study in optuna.get_all_study_summaries(storage) if study.study_name != plan.name]
    study = optuna.create_study(
        storage=storage, study_name=plan.name, direction=direction, pruner=pruner, load_if_exists=True
    )
    for left in study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
        study.tell(left.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(left.params)
    if not study.trials:
        _start(study, plan, storage, [each.study_name for each in earlier])
    return study


def _start(study: "Study", plan: Plan, storage: Any, earlier: list[str]) -> None:
    import optuna

    for name in reversed(earlier):
        known = optuna.load_study(storage=storage, study_name=name)
        complete = known.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
        if complete and known.direction == study.direction:
            study.enqueue_trial(known.best_params)
            study.set_user_attr("warm", name)
            break
    for estimator in plan.search.estimators:
        for start in STARTS.get(estimator, ()):
            named = {f"{estimator}.{name}": value for name, value in start.items()}
            study.enqueue_trial({ESTIMATOR: estimator, **named})


def _run(study: "Study", trial: "Trial", ranges: Mapping[str, Any], measure: Measure, *, prune: bool) -> None:
    import optuna

    begun = time.perf_counter()
    estimator = trial.suggest_categorical(ESTIMATOR, list(ranges))
    parameters = suggested(trial, ranges[estimator], estimator)
    trial.set_user_attr("parameters", json.dumps(parameters))

    def report(step: int, figure: float) -> bool:
        trial.report(figure, step)
        return prune and trial.should_prune()

    try:
        figure = measure(estimator, parameters, report)
    except optuna.TrialPruned:
        trial.set_user_attr("seconds", time.perf_counter() - begun)
        study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        return
    trial.set_user_attr("seconds", time.perf_counter() - begun)
    study.tell(trial, figure)


def _settled(study: "Study") -> "list[FrozenTrial]":
    return [trial for trial in study.get_trials(deepcopy=False) if trial.state.name in SETTLED]


def _tried(number: int, trial: "FrozenTrial") -> Tried:
    figure = trial.value if trial.state.name == "COMPLETE" else None
    parameters = json.loads(trial.user_attrs["parameters"])
    return Tried(number, trial.params[ESTIMATOR], parameters, figure, trial.user_attrs.get("seconds", 0.0))


def _sampler(name: str, seed: int) -> Any:
    if name not in SEARCHERS:
        raise UnknownName.among("searcher", name, SEARCHERS)
    return SEARCHERS[name](seed)


def _late(search: "Search", begun: float, done: int) -> bool:
    """Whether the time is up; one variant is tried however little there is."""
    return bool(done) and search.seconds is not None and time.perf_counter() - begun > search.seconds
