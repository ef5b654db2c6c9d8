"""What the report tells below the verdict: costs, weak spots, weeks, groups, and what the model looks at."""

import numpy as np
import pytest

from mlops_assets.rooms.evaluate.evidence import Evidence
from mlops_assets.rooms.evaluate.fairness import groups, widest
from mlops_assets.rooms.evaluate.report import page
from mlops_assets.rooms.evaluate.stability import weeks
from mlops_assets.rooms.evaluate.stakeholder import stakeholders_page
from mlops_assets.rooms.evaluate.threshold import choices, cost
from mlops_assets.rooms.evaluate.verdict import decide
from mlops_assets.rooms.evaluate.weak import weakest
from mlops_assets_tests.rooms import judging
from mlops_assets_tests.rooms.judging import evidence, scored, truth


@pytest.fixture(scope="module")
def proof() -> Evidence:
    data = judging.holdout()
    scores, blind = truth(data), (data.frame["carrier"] == "BB").to_numpy()
    scores[blind] = 1 - scores[blind]
    explained = scored(
        2, scores, importance={"rain": 0.2, "noise": 0.0}, coefficients={"rain": 0.8}, objective="roc_auc"
    )
    return evidence(explained, scored(1, truth(data, knows=0.2)), data, groups=("origin",))


def test_the_threshold_that_costs_least_falls_when_a_miss_costs_more(proof: Evidence) -> None:
    found = choices(proof)
    assert [choice.threshold for choice in found] == sorted((c.threshold for c in found), reverse=True)
    for choice in found:
        assert choice.cost <= choice.declared
        assert choice.cost == pytest.approx(
            cost(proof.labels, proof.challenger.scores, choice.threshold, choice.miss, choice.false_alarm)
        )


def test_declared_costs_are_the_only_ones_told() -> None:
    data = judging.holdout()
    told = choices(evidence(scored(1, truth(data)), None, data, costs={"miss": 20, "false_alarm": 1}))
    assert [(choice.miss, choice.false_alarm) for choice in told] == [(20, 1)]


def test_of_calibrated_scores_a_yes_pays_from_the_ratio_of_the_costs() -> None:
    data = judging.holdout()
    scores = np.random.default_rng(1).uniform(0, 1, judging.ROWS)
    happens = (np.random.default_rng(2).random(judging.ROWS) < scores).astype(float)
    calibrated = judging.holdout(label=happens)
    [choice] = choices(evidence(scored(1, scores), None, calibrated, costs={"miss": 3, "false_alarm": 1}))
    assert choice.threshold == pytest.approx(0.25, abs=0.1)
    assert len(data.labels) == len(scores)


def test_the_weakest_slice_is_found_without_being_declared(proof: Evidence) -> None:
    [found] = [row for row in weakest(proof) if row["rows"] == "carrier = BB"]
    assert found["high"] < found["overall"]


def test_the_weeks_of_the_holdout_are_told_one_by_one(proof: Evidence) -> None:
    found = weeks(proof)
    assert len(found) == 4
    assert sum(row["n"] for row in found) == judging.ROWS


def test_groups_that_are_treated_alike_differ_by_little(proof: Evidence) -> None:
    found = groups(proof)
    assert {row["group"] for row in found} == {"EWR", "JFK"}
    assert widest(found)["origin"]["yes"] < 0.05


def test_a_group_that_gets_more_alarms_is_seen() -> None:
    data = judging.holdout()
    scores, favoured = truth(data), (data.frame["origin"] == "JFK").to_numpy()
    scores[favoured] = np.clip(scores[favoured] + 0.3, 0, 1)
    spread = widest(groups(evidence(scored(1, scores), None, data, groups=("origin",))))["origin"]
    assert spread["alarmed"] > 0.15
    assert spread["off"] > 0.2


def test_the_page_tells_all_of_it_and_loads_nothing(proof: Evidence) -> None:
    html = page(proof, decide(proof), [])
    for title in ("When a yes pays", "Where it is weakest", "From week to week", "Group by group", "What it looks at"):
        assert f"<h2>{title}</h2>" in html
    assert "http" not in html


def test_the_stakeholders_page_says_the_decision_and_its_reasons_in_plain_words(proof: Evidence) -> None:
    verdict = decide(proof)
    html = stakeholders_page(proof, verdict)
    assert "Version 2" in html
    assert "Is it better than what is in use?" in html
    assert "Of 100 cases" in html
    assert all(word not in html for word in ("roc_auc", "ece", "bootstrap", "http")) or verdict.failed()
