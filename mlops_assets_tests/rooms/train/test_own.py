"""A metric of the user's own: tracked, resampled, and good enough to decide."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlops_assets.errors import SpecError
from mlops_assets.rooms.evaluate.evidence import Evidence
from mlops_assets.rooms.evaluate.verdict import decide
from mlops_assets.rooms.label.tasks import Binary
from mlops_assets.rooms.train.bootstrap import Bootstrap
from mlops_assets.rooms.train.own import metrics_of
from mlops_assets.rooms.train.select import leaderboard
from mlops_assets.rooms.train.training_set import assemble, examples, inputs
from mlops_assets_tests.rooms import judging, trips

OWN = "mlops_assets_tests.rooms.judging"


def declared(function: str = "missed_cost") -> dict[str, Any]:
    cost = {"function": f"{OWN}:{function}", "description": "What the missed cost."}
    return {"task": "binary", "metrics": {"cost": cost}, "objective": "cost"}


def test_a_cost_may_be_the_objective_of_a_leaderboard(tmp_path: Path) -> None:
    plan, lake = trips.plan(**declared()), trips.world(tmp_path).lake
    trips.fill(lake, trips.rows())
    board = leaderboard(examples(assemble(lake, plan, inputs(lake, plan)), plan, "train"), plan)
    assert (board.objective, board.chosen) == ("cost", "logistic")
    assert board.winner.metrics["cost"] < board.entries[0].metrics["cost"]
    assert "roc_auc" in board.winner.metrics


def test_a_cost_may_decide_a_verdict() -> None:
    data = judging.holdout()
    new, old = judging.scored(2, judging.truth(data)), judging.scored(1, judging.truth(data, knows=0.2))
    proof = Evidence(trips.plan(**declared()), data, new, old)
    verdict = decide(proof)
    assert verdict.decision == "ACCEPT", [gate.reason for gate in verdict.failed()]
    gate = verdict.gate("objective")
    assert gate is not None
    assert gate.reason.startswith("cost: the challenger beats version 1")


def test_a_function_that_gives_a_figure_is_resampled_like_one_that_gives_a_value_a_row() -> None:
    data = judging.holdout(1_400)
    rows, whole = (metrics_of(trips.plan(**declared(name)), Binary())["cost"] for name in ("missed_cost", "whole_cost"))
    blocks, scores = np.arange(1_400) % 28, judging.truth(data)
    first, second = (Bootstrap(200).interval(each, data.labels, scores, blocks) for each in (rows, whole))
    assert (first.low, first.high) == pytest.approx((second.low, second.high))


def test_a_function_that_gives_something_else_is_refused() -> None:
    known = metrics_of(trips.plan(**declared("strange")), Binary())["cost"]
    with pytest.raises(SpecError, match=r"metric 'cost' gives neither a figure nor a value a row; got: shape \(2,\)"):
        known(np.zeros(5), np.zeros(5))
