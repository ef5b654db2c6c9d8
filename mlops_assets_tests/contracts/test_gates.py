"""One suite over every registered gate: an honest, better model passes, and a gate that cannot run refuses."""

from dataclasses import replace

import numpy as np
import pytest

from mlops_assets.rooms.evaluate.evidence import Evidence
from mlops_assets.rooms.evaluate.gate import Gate, judge
from mlops_assets.rooms.evaluate.gates import GATES
from mlops_assets.rooms.train.identity import canonical
from mlops_assets_tests.rooms import judging

EVERY = pytest.mark.parametrize("name", GATES)


@pytest.fixture(scope="module")
def better() -> Evidence:
    data = judging.holdout()
    old, new = judging.truth(data, knows=0.3), judging.truth(data)
    noise = np.random.default_rng(0).normal(0, 0.1, len(old))
    champion = judging.scored(1, np.clip(old + noise, 0, 1))
    return judging.evidence(judging.scored(2, new), champion, data, slices=("carrier", "rain"))


@EVERY
def test_a_truly_better_model_passes(name: str, better: Evidence) -> None:
    (gate,) = judge(better, {name: GATES[name]})
    assert gate.passed, gate.reason


@EVERY
def test_a_better_first_model_passes(name: str, better: Evidence) -> None:
    (gate,) = judge(replace(better, champion=None), {name: GATES[name]})
    assert gate.passed, gate.reason


@EVERY
def test_a_gate_says_its_name_and_its_reason_and_keeps_in_a_record(name: str, better: Evidence) -> None:
    (gate,) = judge(better, {name: GATES[name]})
    assert gate.name == name
    assert len(gate.reason) > 10
    assert "inf" not in canonical(gate.__dict__).lower()
    assert Gate.of(gate.__dict__) == gate


@EVERY
def test_a_gate_over_broken_evidence_refuses_and_never_raises(name: str, better: Evidence) -> None:
    broken = replace(better.challenger, scores=np.full(3, np.nan), manifest={}, bundle=None)
    (gate,) = judge(replace(better, challenger=broken, champion=None), {name: GATES[name]})
    assert gate.passed is (name == "leakage"), "only leakage looks at the rows alone"
    assert len(gate.reason) > 10


@EVERY
def test_the_same_evidence_gives_the_same_gate(name: str, better: Evidence) -> None:
    (first,), (second,) = judge(better, {name: GATES[name]}), judge(better, {name: GATES[name]})
    assert first.content() == second.content()
