"""The card: everything recorded of a model on one page, and a person's own words apart."""

from html import unescape

from mlops_assets.rooms.evaluate.verdict import decide
from mlops_assets.rooms.release.card import TOLD, Evidence, card
from mlops_assets.rooms.release.formats import Format
from mlops_assets.rooms.release.record import Release
from mlops_assets.rooms.train.snapshot import Snapshot
from mlops_assets_tests.rooms import judging, trips
from mlops_assets_tests.rooms.judging import evidence, scored, truth

SNAPSHOT = Snapshot(
    model="late_trips",
    version=2,
    digest="d" * 64,
    identity="i" * 64,
    inputs={"trips/clean": [7, "f" * 64]},
    code={"commit": "c0ffee", "tree": "t", "diff": "", "room": "r"},
    environment="e" * 64,
    parameters="{}",
    run_id="run-1",
)
RELEASE = Release(2, "d" * 64, "FIRST_MODEL", "Ada", "e" * 64, None, None, "", role="risk officer", reason="seen")
SLICES = [
    {"feature": "carrier", "value": value, "n": 700, "metric": "brier", "figure": figure, "low": low, "high": low}
    for value, figure, low in (("AA", 0.05, 0.04), ("BB", 0.2, 0.19), ("CC", None, None))
]


def test_the_card_names_data_code_environment_gates_and_what_a_person_said() -> None:
    data = judging.holdout()
    model = scored(2, truth(data), task="binary", trained_from="2024-01-01", metrics={"roc_auc": 0.8})
    verdict = decide(evidence(model, None, data))
    spec = trips.plan(intended_use="To tell <travellers>.", owners=("team:trips",)).model
    table = (Format("onnx", 9_000, 1.0, 0.01, 1e-6, equal=True, safe=True, why="no code", serves=True),)
    html = card(spec, Evidence(model.manifest, SNAPSHOT, RELEASE, verdict, table), SLICES)
    for told in (
        "c0ffee",
        "trips/clean",
        "version 7",
        "run-1",
        "0.8000",
        "team:trips",
        "To tell &lt;travellers&gt;.",
        "Ada (risk officer)",
        "onnx (serves)",
        "mlops reroll late_trips@2 --verify",
        "carrier = BB",
        "0.1500",
        "AA (0.0500)",
    ):
        assert told in html
    assert all(gate.reason in unescape(html) for gate in verdict.gates)
    assert TOLD in html
    person = html[html.index("<div class=person>") : html.index("Everything below was generated")]
    assert "To tell &lt;travellers&gt;." in person
    assert "c0ffee" not in person
    assert "http" not in html
