"""The report: one self-contained page with the decision in plain words."""

from mlops_assets.rooms.evaluate.charts import _reliability, curves
from mlops_assets.rooms.evaluate.report import gates_markdown, page, plain_words
from mlops_assets.rooms.evaluate.slices import slice_table
from mlops_assets.rooms.evaluate.verdict import decide
from mlops_assets.rooms.train.metrics import said_and_happened
from mlops_assets_tests.rooms import judging
from mlops_assets_tests.rooms.judging import evidence, scored, truth


def test_the_page_says_the_decision_shows_every_gate_and_needs_nothing_from_outside() -> None:
    data = judging.holdout()
    proof = evidence(scored(4, truth(data)), scored(3, truth(data, knows=0.1)), data, slices=("origin",))
    verdict = decide(proof)
    html = page(proof, verdict, slice_table(proof))
    assert plain_words(verdict) in html
    assert all(f"<td>{gate.name}</td>" in html for gate in verdict.gates)
    assert "origin = EWR" in html
    assert "http" not in html
    assert len(html) < 200_000


def test_a_refusal_says_who_stays_and_why() -> None:
    data = judging.holdout(1_000)
    verdict = decide(evidence(scored(2, truth(data, knows=0.0)), scored(1, truth(data)), data))
    assert plain_words(verdict) == "Version 2 is refused; version 1 stays."
    assert "is worse than version 1 by -" in gates_markdown(verdict)


def test_what_a_feature_is_named_cannot_break_the_page() -> None:
    data = judging.holdout(carrier=["<script>"] * judging.ROWS)
    proof = evidence(scored(1, truth(data)), None, data, slices=("carrier",))
    assert "<script>" not in page(proof, decide(proof), slice_table(proof))


def test_the_picture_is_small_enough_to_inline() -> None:
    data = judging.holdout()
    picture = curves(evidence(scored(2, truth(data)), scored(1, truth(data, knows=0.1)), data))
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 60_000


def test_the_reliability_of_scores_that_mean_what_they_say_lies_on_the_diagonal() -> None:
    data = judging.holdout()
    said, happened = _reliability(*said_and_happened(data.labels, truth(data)))
    assert (said[1:] >= said[:-1]).all()
    assert abs(said - happened).max() < 0.1
