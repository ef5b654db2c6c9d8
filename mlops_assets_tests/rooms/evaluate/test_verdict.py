"""The verdict: the better model passes, every other is refused, and each for its own reason."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from mlops_assets.rooms.evaluate.evidence import Evidence, Scored
from mlops_assets.rooms.evaluate.gate import Check, Gate
from mlops_assets.rooms.evaluate.gates import GATES
from mlops_assets.rooms.evaluate.verdict import Verdict, decide
from mlops_assets.rooms.train.identity import canonical
from mlops_assets.rooms.train.training_set import Examples
from mlops_assets_tests.rooms import judging
from mlops_assets_tests.rooms.judging import Floats, evidence, scored, truth


@pytest.fixture(scope="module")
def data() -> Examples:
    return judging.holdout()


def good(data: Examples) -> Floats:
    return np.clip(truth(data, knows=0.5) + np.random.default_rng(0).normal(0, 0.08, len(data.labels)), 0, 1)


def failed(verdict: Verdict) -> list[str]:
    return [gate.name for gate in verdict.failed()]


def judged(data: Examples, challenger: Floats | Scored, champion: Floats | None, **evaluate: Any) -> Verdict:
    new = challenger if isinstance(challenger, Scored) else scored(2, challenger)
    return decide(evidence(new, None if champion is None else scored(1, champion), data, **evaluate))


def test_a_better_challenger_is_accepted_with_its_interval_clear_of_zero(data: Examples) -> None:
    verdict = judged(data, truth(data), good(data))
    assert verdict.decision == "ACCEPT"
    gate = verdict.gate("objective")
    assert gate is not None
    assert gate.low is not None
    assert gate.low > 0
    assert (verdict.challenger, verdict.champion, verdict.rows) == (2, 1, judging.ROWS)


def test_the_first_model_that_beats_the_base_rate_is_the_first_model(data: Examples) -> None:
    assert judged(data, truth(data), None).decision == "FIRST_MODEL"


def test_a_first_model_that_only_guesses_is_refused(data: Examples) -> None:
    guess = np.random.default_rng(1).uniform(0.3, 0.45, len(data.labels))
    verdict = judged(data, guess, None)
    assert verdict.decision == "REJECT"
    assert {"objective", "skill"} <= set(failed(verdict))


def test_a_worse_challenger_is_refused_by_the_objective(data: Examples) -> None:
    verdict = judged(data, good(data), truth(data))
    assert verdict.decision == "REJECT"
    gate = verdict.gate("objective")
    assert gate is not None
    assert gate.high is not None
    assert gate.high < 0
    assert "does not clearly beat version 1" in gate.reason


def test_an_equal_challenger_is_refused(data: Examples) -> None:
    noise = np.random.default_rng(2).normal(0, 0.002, len(data.labels))
    verdict = judged(data, np.clip(good(data) + noise, 0, 1), good(data))
    assert failed(verdict) == ["objective"]


def test_the_champion_against_itself_is_refused(data: Examples) -> None:
    same = scored(1, good(data))
    verdict = decide(evidence(same, same, data))
    assert failed(verdict) == ["objective"]
    assert "nothing has changed" in verdict.failed()[0].reason


def test_a_model_trained_on_the_holdout_is_refused_however_good_it_looks(data: Examples) -> None:
    seen = scored(2, truth(data), until="2024-04-20T00:00:00+00:00")
    verdict = judged(data, seen, good(data))
    assert failed(verdict) == ["unseen"]
    assert "version 2 was trained on rows from 2024-04-10" in verdict.failed()[0].reason


def test_a_leaky_model_is_refused_by_the_feature_that_knows_the_answer(data: Examples) -> None:
    leaky = judging.holdout(noise=data.labels + 0.05 * np.random.default_rng(3).normal(size=len(data.labels)))
    scores = np.clip(leaky.frame["noise"].to_numpy(), 0.01, 0.99)
    verdict = judged(leaky, scores, good(data))
    assert failed(verdict) == ["leakage"]
    assert "noise" in verdict.failed()[0].reason


def test_a_miscalibrated_model_is_refused_though_it_ranks_best(data: Examples) -> None:
    verdict = judged(data, truth(data) ** 3, good(data))
    assert {"calibration", "guard"} <= set(failed(verdict))
    assert "objective" not in failed(verdict)


def test_a_guard_metric_may_not_get_worse_by_more_than_declared(data: Examples) -> None:
    better = np.clip(truth(data) + 0.04, 0, 1)
    assert "guard" in failed(judged(data, better, truth(data), guard={"brier": 0.0001}))
    assert "guard" not in failed(judged(data, better, truth(data), guard={"brier": 0.1}))


def test_a_model_that_harms_a_slice_is_refused_and_the_slice_is_named(data: Examples) -> None:
    scores, harmed = truth(data), (data.frame["carrier"] == "BB").to_numpy()
    scores[harmed] = np.random.default_rng(4).permutation(scores[harmed])
    champion = np.clip(truth(data, knows=0.5) + np.random.default_rng(0).normal(0, 0.25, len(scores)), 0, 1)
    verdict = judged(data, scores, champion, slices=("carrier",))
    assert failed(verdict) == ["slices"]
    assert "carrier = BB" in verdict.failed()[0].reason


def test_scores_outside_0_and_1_are_refused(data: Examples) -> None:
    assert "complete" in failed(judged(data, truth(data) * 3, good(data)))


def test_too_few_days_to_tell_is_a_refusal_that_says_so() -> None:
    short = judging.holdout(1_000, 3)
    verdict = judged(short, truth(short), None)
    assert verdict.decision == "REJECT"
    assert "could not run: TrainingError: too few independent blocks" in " ".join(g.reason for g in verdict.failed())


@pytest.mark.parametrize("gates", [{}, {"skill": GATES["skill"], "broken": lambda _: 1 / 0}])
def test_no_gates_or_a_gate_that_raises_is_a_refusal(data: Examples, gates: Mapping[str, Check]) -> None:
    verdict = decide(evidence(scored(2, truth(data)), None, data), gates)
    assert verdict.decision == "REJECT"
    said = verdict.failed()[0].reason
    assert said == ("could not run: ZeroDivisionError: division by zero" if gates else said)
    assert gates or "no gate is configured" in said


def test_every_objective_can_decide(data: Examples) -> None:
    from mlops_assets_tests.rooms import trips

    for objective in ("average_precision", "log_loss", "brier"):
        plan = trips.plan(objective=objective)
        champion = np.clip(good(data), 0.01, 0.99)
        assert decide(Evidence(plan, data, scored(2, truth(data)), scored(1, champion))).decision == "ACCEPT"


def test_a_verdict_keeps_in_a_record_and_its_digest_follows_its_content(data: Examples) -> None:
    verdict = judged(data, truth(data), good(data))
    again = Verdict.of(json.loads(canonical(verdict.body())))
    assert again == verdict
    assert again.digest == verdict.digest == judged(data, truth(data), good(data)).digest
    other = Verdict.of({**verdict.body(), "decision": "REJECT"})
    assert other.digest != verdict.digest


def test_a_gate_is_kept_whole() -> None:
    gate = Gate("g", False, "why", 1.0, 2.0, 0.5, 1.5)
    assert Gate.of(json.loads(canonical(gate.__dict__))) == gate
