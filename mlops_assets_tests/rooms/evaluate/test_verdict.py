"""The verdict: the better model passes, every other is refused, and each for its own reason."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from mlops_assets.errors import UnknownName
from mlops_assets.rooms.evaluate.evidence import Evidence, Scored
from mlops_assets.rooms.evaluate.gate import Check, Gate
from mlops_assets.rooms.evaluate.gates import GATES, unseen
from mlops_assets.rooms.evaluate.operation import bounded
from mlops_assets.rooms.evaluate.verdict import Verdict, asked_of, decide
from mlops_assets.rooms.train.identity import canonical
from mlops_assets.rooms.train.inputs import frame
from mlops_assets.rooms.train.split import held_out
from mlops_assets.rooms.train.training_set import Examples
from mlops_assets_tests.rooms import judging, trips
from mlops_assets_tests.rooms.judging import Floats, evidence, scored, truth

if TYPE_CHECKING:
    import pandas as pd


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
    assert "is worse than version 1 by -" in gate.reason


def test_an_equal_challenger_is_refused(data: Examples) -> None:
    noise = np.random.default_rng(2).normal(0, 0.002, len(data.labels))
    verdict = judged(data, np.clip(good(data) + noise, 0, 1), good(data))
    assert failed(verdict) == ["objective"]


def test_where_only_harm_is_to_refuse_an_equal_challenger_is_released_and_a_worse_one_is_not(data: Examples) -> None:
    noise = np.random.default_rng(2).normal(0, 0.002, len(data.labels))
    equal = judged(data, np.clip(good(data) + noise, 0, 1), good(data), proof="not_worse")
    assert equal.decision == "ACCEPT"
    gate = equal.gate("objective")
    assert gate is not None
    assert "is not clearly worse than version 1" in gate.reason
    assert judged(data, good(data), good(data), proof="not_worse").decision == "ACCEPT"
    worse = judged(data, good(data), truth(data), proof="not_worse")
    assert "objective" in failed(worse)
    assert "is clearly worse than version 1" in worse.failed()[0].reason


def test_another_recipe_than_the_champions_has_to_be_better_whatever_is_declared(data: Examples) -> None:
    noise = np.random.default_rng(2).normal(0, 0.002, len(data.labels))
    other = scored(2, np.clip(good(data) + noise, 0, 1), candidate="hist_gradient_boosting")
    assert failed(judged(data, other, good(data), proof="not_worse")) == ["objective"]


def test_a_first_model_has_to_beat_the_base_rate_whatever_is_declared(data: Examples) -> None:
    guess = np.random.default_rng(1).uniform(0.3, 0.45, len(data.labels))
    assert {"objective", "skill"} <= set(failed(judged(data, guess, None, proof="not_worse")))


def test_rows_that_are_hard_for_both_refuse_nobody_where_only_harm_does(data: Examples) -> None:
    dry = judging.holdout(label=np.where(np.random.default_rng(4).random(len(data.labels)) < 0.02, 1.0, 0.0))
    draw = np.random.default_rng(5)
    champion = draw.uniform(0.02, 0.06, len(dry.labels))
    challenger = np.clip(champion + draw.normal(0, 0.002, len(dry.labels)), 0, 1)
    assert "skill" in failed(judged(dry, challenger, champion))
    verdict = judged(dry, challenger, champion, proof="not_worse")
    assert verdict.decision == "ACCEPT"
    gate = verdict.gate("skill")
    assert gate is not None
    assert gate.reason.endswith("own average, nor does version 1 clearly know more")


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


@pytest.mark.parametrize(("limit", "gate"), [("latency_ms", "latency"), ("memory_mb", "memory"), ("size_mb", "size")])
def test_a_model_that_is_too_slow_or_too_large_is_refused(data: Examples, limit: str, gate: str) -> None:
    verdict = judged(data, truth(data), good(data), limits={limit: 0.0001})
    assert failed(verdict) == [gate]
    assert "allowed 0.0001" in verdict.failed()[0].reason


def test_an_overfit_model_is_refused_and_the_reason_says_that_it_learnt_by_heart(data: Examples) -> None:
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import FunctionTransformer
    from sklearn.tree import DecisionTreeClassifier

    rows = trips.rows(1_000, 20, seed=6)
    numbers = FunctionTransformer(_numbers)
    tree = Pipeline([("numbers", numbers), ("tree", DecisionTreeClassifier(random_state=0))])
    tree.fit(frame(rows, judging.FEATURES), rows["label"].to_numpy())
    scores = tree.predict_proba(data.frame)[:, 1]
    plain = scored(2, scores)
    overfit = replace(plain, bundle=judging.bundle(2, plain.manifest, tree))
    verdict = judged(data, overfit, good(data))
    gate = verdict.gate("objective")
    assert gate is not None
    assert not gate.passed
    assert "it has learnt its rows by heart: skill 1.00 on rows it was trained on" in gate.reason


def _numbers(data: "pd.DataFrame") -> "pd.DataFrame":
    return data[["distance", "rain", "noise"]].fillna(0.0)


def test_a_model_that_breaks_on_a_category_never_seen_is_refused(data: Examples) -> None:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder

    rows = trips.rows(1_000, 20, seed=6)
    strict = Pipeline([("c", ColumnTransformer([("c", OneHotEncoder(), ["origin"])])), ("m", LogisticRegression())])
    plain = scored(2, truth(data))
    fitted = strict.fit(frame(rows, judging.FEATURES), rows["label"].to_numpy())
    verdict = judged(data, replace(plain, bundle=judging.bundle(2, plain.manifest, fitted)), good(data))
    assert failed(verdict) == ["bounded"]
    assert "Found unknown categories" in verdict.failed()[0].reason


class Endless:
    """A model that answers what its input's first number is, as far as it is one."""

    def predict_proba(self, data: "pd.DataFrame") -> Floats:
        yes = 1 / (1 + np.exp(-_numbers(data)["distance"].to_numpy(dtype=np.float64)))
        wild = np.where(np.isinf(data["distance"].to_numpy(dtype=np.float64)), np.nan, yes)
        return np.column_stack([1 - wild, wild])


def test_a_champion_of_before_the_groups_has_seen_some_of_the_rows_and_is_no_judge(data: Examples) -> None:
    none = pa.nulls(data.rows.num_rows, data.rows["event_time"].type)
    place = data.rows.column_names.index("event_time")
    untimed = replace(data, times=None, rows=data.rows.set_column(place, "event_time", none))
    plan = trips.plan(timed=False, train={"group": "rider"})
    new, key = scored(2, truth(data), held_out=held_out(plan)), held_out(trips.plan(timed=False))
    alone = unseen(Evidence(plan, untimed, new, None))
    assert (alone.passed, alone.reason) == (True, "0.2 of the rows are held out by a hash of rider, for every version")
    other = "version 1 was trained when other rows were held out: "
    for before, said in (
        ({"held_out": key}, other + "by trip, not by rider"),
        ({"held_out": {"by": ["start"]}}, other + "by start, not by rider"),
        ({}, other + "in a way that it does not tell, not by rider"),
    ):
        refused = unseen(Evidence(plan, untimed, new, scored(1, good(data), **before)))
        assert (refused.passed, refused.reason) == (False, said)


@pytest.mark.parametrize(("before", "passed"), [(0.1, False), (0.2, True), (0.3, True)])
def test_a_champion_that_held_out_fewer_rows_has_seen_some_and_is_no_judge(
    data: Examples, before: float, passed: bool
) -> None:
    none = pa.nulls(data.rows.num_rows, data.rows["event_time"].type)
    place = data.rows.column_names.index("event_time")
    untimed = replace(data, times=None, rows=data.rows.set_column(place, "event_time", none))
    plan = trips.plan(timed=False)
    known = held_out(plan)
    old = scored(1, good(data), held_out={**known, "share": before})
    gate = unseen(Evidence(plan, untimed, scored(2, truth(data), held_out=known), old))
    assert gate.passed is passed
    if not passed:
        assert gate.reason.startswith("version 1 was trained when 0.1 of the rows were held out, and has seen some")


def test_infinite_numbers_get_a_bounded_answer_or_a_clear_refusal(data: Examples) -> None:
    plain = scored(2, truth(data))
    strict = bounded(evidence(plain, None, data))
    assert strict.passed
    assert strict.reason.endswith("numbers that are not finite are refused")
    wild = replace(plain, bundle=judging.bundle(2, plain.manifest, Endless()))
    gate = bounded(evidence(wild, None, data))
    assert not gate.passed
    assert "numbers of inf: 100 of 100 scores are out of bounds" in gate.reason
    assert "numbers of -inf: 100 of 100 scores are out of bounds" in gate.reason


def test_a_model_that_does_not_tell_what_it_was_made_of_is_refused(data: Examples) -> None:
    plain = scored(2, truth(data), seed=None)
    assert failed(judged(data, plain, good(data))) == ["reproducible"]


def test_a_declared_leak_is_refused_however_little_it_tells(data: Examples) -> None:
    columns = {name: name for name in trips.FEATURES} | {"noise": "delay * 0"}
    proof = Evidence(trips.plan(columns=columns), data, scored(2, truth(data)), scored(1, good(data)))
    verdict = decide(proof)
    assert failed(verdict) == ["leakage"]
    assert verdict.failed()[0].reason == "known only afterwards: noise reads delay"


def test_the_gates_that_a_model_names_are_asked_and_none_is_a_refusal(data: Examples) -> None:
    assert [gate.name for gate in judged(data, truth(data), None, gates=("skill", "size")).gates] == ["skill", "size"]
    assert "no gate is configured" in judged(data, truth(data), None, gates=()).failed()[0].reason
    with pytest.raises(UnknownName, match=r"unknown gate 'objectiv'.*did you mean 'objective'"):
        judged(data, truth(data), None, gates=("objectiv",))


def test_a_gate_of_a_later_room_is_asked_with_the_others(data: Examples) -> None:
    def infrastructure(_: Evidence) -> Gate:
        return Gate("infrastructure", False, "the lock cannot be installed")

    proof = evidence(scored(2, truth(data)), None, data)
    verdict = decide(proof, asked_of(proof.plan, {"infrastructure": infrastructure}))
    assert failed(verdict) == ["infrastructure"]


def test_how_long_an_answer_took_is_told_and_not_part_of_the_digest(data: Examples) -> None:
    verdict = judged(data, truth(data), good(data))
    slower = tuple(
        replace(gate, figure=gate.figure + 1) if gate.measured and gate.figure else gate for gate in verdict.gates
    )
    assert replace(verdict, gates=slower).digest == verdict.digest
    assert {gate.name for gate in verdict.gates if gate.measured} == {"latency", "memory"}


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


def test_how_few_rows_may_be_judged_is_declared() -> None:
    few = judging.holdout(60, 20)
    found = [judged(few, truth(few), None, min_rows=asked).gate("complete") for asked in (100, 60)]
    assert [gate.passed for gate in found if gate] == [False, True]
    assert found[0] is not None
    assert found[0].reason.startswith("60 rows to judge on, of at least 100 (evaluate.min_rows)")


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
