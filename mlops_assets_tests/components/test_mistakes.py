"""Every mistake in a declaration is one error with file, line, what was given, what is allowed and the nearest name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from mlops_assets.components.loading import load
from mlops_assets.components.mistakes import explained
from mlops_assets.components.origin import Origin
from mlops_assets.errors import SpecError, UnknownName
from mlops_assets.rooms.train.metrics import METRICS
from mlops_assets.spec.base import Spec
from mlops_assets.spec.dataset import Dataset
from mlops_assets.spec.feature_table import Aggregation, FeatureTable, Join
from mlops_assets.spec.model import Model, Train
from mlops_assets.spec.source import Source
from mlops_assets_tests.components.conftest import GOOD

Write = Callable[..., Path]


def told(defs: Path, write: Write, right: str, wrong: str) -> str:
    """The one message for a sound declaration in which one thing was made wrong."""
    assert GOOD.count(right) == 1
    write(GOOD.replace(right, wrong))
    with pytest.raises(SpecError) as caught:
        load(defs)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    return str(caught.value).removeprefix(f"{defs.parent.name}/defs/flights/")


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (
            "  source: {files",
            "  sorce: {files",
            (
                f"defs.yaml:4: unknown key in Dataset 'sorce'; allowed: {', '.join(sorted(Dataset.model_fields))};"
                " next: did you mean 'source'?"
            ),
        ),
        (
            "{files: landing",
            "{fils: landing",
            (
                "defs.yaml:4: unknown key in Source (source) 'fils';"
                f" allowed: {', '.join(sorted(Source.model_fields))}; next: did you mean 'files'?"
            ),
        ),
        (
            "  key: [flight_id]",
            "  key: [flight_id]\n  repairs:\n    - {kind: trimm}",
            (
                "defs.yaml:7: unknown kind of repairs 'trimm'; allowed: cast, fill, merge, rename, trim, unit;"
                " next: did you mean 'trim'?"
            ),
        ),
        (
            "  key: [flight_id]",
            "  key: [flight_id]\n  repairs:\n    - kind: trim\n      colums: [a]",
            (
                "defs.yaml:8: unknown key in Trim (repairs.0) 'colums'; allowed: columns, empty, kind;"
                " next: did you mean 'columns'?"
            ),
        ),
        (
            "  key: [flight_id]",
            "  key: [flight_id]\n  repairs:\n    - {columns: [a]}",
            (
                "defs.yaml:7: repairs.0 needs 'kind'; got: {'columns': ['a']};"
                " allowed: rename, trim, cast, unit, fill, merge"
            ),
        ),
        (
            "    known_after: 1d",
            "    known_after: 1 day",
            (
                "defs.yaml:20: target.known_after: not a duration: '1 day'; allowed: a number and m, h, d or w,"
                " such as 15m or 28d"
            ),
        ),
        (
            "  features: [context]",
            "  features: [context]\n  objective: roc_acu",
            (
                "defs.yaml:22: unknown objective 'roc_acu'; allowed: accuracy, average_precision, brier, log_loss,"
                " macro_f1, mae, r2, rmse, roc_auc, roc_auc_ovr; next: did you mean 'roc_auc'?"
            ),
        ),
        (
            "  key: [flight_id]",
            "  key: flight_id",
            "defs.yaml:5: wrong value for key; got: 'flight_id'; allowed: a list",
        ),
        (
            "  name: late_flights",
            "  name: Late Flights",
            (
                "defs.yaml:17: wrong value for name; got: 'Late Flights'; allowed: a name: lower-case letters, digits"
                " and _, starting with a letter, at most 63"
            ),
        ),
        (
            "  features: [context]",
            "  features: [context]\n  train:\n    min_labels: many",
            "defs.yaml:23: wrong value for train.min_labels; got: 'many'; allowed: a whole number",
        ),
        (
            "  features: [context]",
            "  features: [context]\n  retrain:\n    causes: [new_data, drif]",
            (
                "defs.yaml:23: unknown retrain.causes 'drif'; allowed: age, code, contract, demand, drift, new_data,"
                " performance, schedule;"
                " next: did you mean 'drift'?"
            ),
        ),
        (
            "  features: [context]",
            "  features: [context]\n  evaluate:\n    guard: {brierr: 0.1}",
            (
                "defs.yaml:22: unknown metric to guard 'brierr'; allowed: accuracy, average_precision, brier, log_loss,"
                " macro_f1, mae, r2, rmse, roc_auc, roc_auc_ovr; next: did you mean 'brier'?"
            ),
        ),
        (
            "  features: [context]",
            "  features: [context]\n  task: regression\n  objective: roc_auc",
            "defs.yaml:23: unknown objective of a regression model 'roc_auc'; allowed: mae, r2, rmse",
        ),
        (
            "  features: [context]",
            "  features: [context]\n  objective: rmse\n  train: {candidates: [mean, logistic]}",
            (
                "defs.yaml:23: unknown regression candidate 'logistic';"
                " allowed: hist_gradient_boosting, lightgbm, mean, ridge, rule, target_encoded, vote"
            ),
        ),
        (
            "  source: {files: landing/flights/*.parquet}\n",
            "",
            "defs.yaml:2: Dataset needs 'source'; next: add source",
        ),
        (
            "  features: [context]",
            "  features: [context]\n  train: {candidates: [base_rate, logstic]}",
            (
                "defs.yaml:22: unknown candidate 'logstic'; allowed: base_rate, hist_gradient_boosting, lightgbm,"
                " logistic, mean, ridge, rule, target_encoded, vote;"
                " next: did you mean 'logistic'?"
            ),
        ),
        (
            "  features: [context]",
            "  features:\n    - contxt",
            "defs.yaml:22: unknown feature table 'contxt'; allowed: context; next: did you mean 'context'?",
        ),
        (
            "  features: [context]",
            "  features: [context]\n  evaluate:\n    slices:\n      - distance\n      - distanc",
            "defs.yaml:25: unknown feature to slice by 'distanc'; allowed: distance; next: did you mean 'distance'?",
        ),
        (
            "  dataset: flights",
            "  dataset: flihgts",
            "defs.yaml:11: unknown dataset 'flihgts'; allowed: flights; next: did you mean 'flights'?",
        ),
        (
            "  columns:\n    distance: distance",
            "  columns: {}\n  joins:\n    - dataset: flihgts\n      on: [origin]\n      columns: {wind: wind}",
            "defs.yaml:14: unknown dataset 'flihgts'; allowed: flights; next: did you mean 'flights'?",
        ),
        (
            "  key: [flight_id]\n",
            "",
            (
                "defs.yaml:10: feature table 'context' describes dataset 'flights', which has no key;"
                " next: give dataset 'flights' a key"
            ),
        ),
        (
            "  features: [context]",
            "  features: [context]\n  metrics:\n    brier: {function: contract:Flights}",
            (
                "defs.yaml:23: metric 'brier' hides the registered one of that name; "
                f"allowed: a name other than {', '.join(METRICS)}; next: give it another name"
            ),
        ),
        (
            "  features: [context]",
            "  features: [context]\n  train: {group: origin}",
            (
                "defs.yaml:21: model 'late_flights' has a train.group, but the rows of dataset 'flights' are split by "
                "their event time; got: origin; next: leave train.group out: what comes later is held out, and a group "
                "may come again as it does in use"
            ),
        ),
        (
            "  event_time: departure",
            "  period: {every: month}",
            "defs.yaml:2: period needs event_time: name the column by which rows are told apart",
        ),
    ],
)
def test_a_mistake_names_its_line_what_is_allowed_and_the_nearest(
    defs: Path, write: Write, right: str, wrong: str, message: str
) -> None:
    assert told(defs, write, right, wrong) == message


def test_several_mistakes_of_a_declaration_are_told_together(defs: Path, write: Write) -> None:
    message = told(defs, write, "  key: [flight_id]", "  kye: [flight_id]\n  contract: 3")
    assert message.splitlines()[0] == "several mistakes:"
    assert "defs.yaml:5: unknown key in Dataset 'kye'" in message
    assert "defs.yaml:6: wrong value for contract; got: 3; allowed: text" in message


def test_a_wrong_type_names_its_file_and_the_nearest_component(defs: Path, write: Write) -> None:
    message = told(defs, write, "type: mlops_assets.FeatureTable", "type: mlops_assets.FeaturTable")
    assert message.startswith("defs.yaml:8: unknown type 'mlops_assets.FeaturTable'; allowed: ")
    assert message.endswith("did you mean 'mlops_assets.FeatureTable'?")


def test_a_type_of_a_package_that_is_not_there_names_its_file(defs: Path, write: Write) -> None:
    message = told(defs, write, "type: mlops_assets.FeatureTable", "type: mlops_asets.FeatureTable")
    assert message.startswith("defs.yaml:8: unknown type 'mlops_asets.FeatureTable'")
    assert message.endswith("did you mean 'mlops_assets.FeatureTable'?")


def test_a_wrong_key_beside_type_and_attributes_is_told(defs: Path, write: Write) -> None:
    message = told(defs, write, "attributes:\n  name: context", "atributes:\n  name: context")
    assert message.startswith("defs.yaml:9: unknown key of a declaration 'atributes'")
    assert message.endswith("did you mean 'attributes'?")


def test_a_declaration_without_a_type_is_told(defs: Path, write: Write) -> None:
    assert told(defs, write, "type: mlops_assets.FeatureTable\n", "") == (
        "defs.yaml:8: no type; allowed: mlops_assets.Dataset, mlops_assets.FeatureTable, mlops_assets.Model"
    )


def test_broken_yaml_names_its_line(defs: Path, write: Write) -> None:
    assert told(defs, write, "  key: [flight_id]", "  key: [flight_id").startswith("defs.yaml:6: no YAML: ")


def test_two_of_a_kind_with_one_name_are_told_with_both_lines(defs: Path, write: Write) -> None:
    twin = "type: mlops_assets.Dataset\nattributes:\n  name: flights\n  source: {files: b/*.csv}\n---\n"
    message = told(defs, write, "type: mlops_assets.FeatureTable", f"{twin}type: mlops_assets.FeatureTable")
    assert message.startswith("defs.yaml:10: Dataset 'flights' is declared twice; got: first at ")
    assert "flights/defs.yaml:3; next: give one of them another name" in message


def test_an_environment_variable_that_is_not_set_is_told(
    defs: Path, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_LANDING", raising=False)
    message = told(defs, write, "landing/flights/*.parquet", '"{{ env.SHOP_LANDING }}/*.parquet"')
    assert message.startswith("defs.yaml:4: a template has no value")
    assert "set the environment variable" in message


def test_a_name_that_the_contract_module_lacks_is_told_without_importing_it(defs: Path, write: Write) -> None:
    write("raise RuntimeError\n\n\nclass Flights: ...\n", "flights/contract.py")
    message = told(defs, write, "  key: [flight_id]", "  key: [flight_id]\n  contract: contract:Flihgts")
    assert message == (
        "defs.yaml:6: unknown name in contract 'Flihgts'; allowed: Flights; next: did you mean 'Flights'?"
    )


def test_a_contract_module_that_is_not_there_is_told_with_the_file_to_create(defs: Path, write: Write) -> None:
    message = told(defs, write, "  key: [flight_id]", "  key: [flight_id]\n  contract: contract:Flights")
    assert message == (
        "defs.yaml:6: no module 'contract'; allowed: a file beside the declaration, or an installed module;"
        f" next: create {defs.parent.name}/defs/flights/contract.py"
    )


def test_a_misspelt_module_is_answered_with_the_one_beside_the_declaration(defs: Path, write: Write) -> None:
    write("class Flights: ...\n", "flights/contract.py")
    message = told(defs, write, "  key: [flight_id]", "  key: [flight_id]\n  contract: contarct:Flights")
    assert message.endswith("did you mean 'contract'?")


def test_a_users_own_component_that_cannot_be_imported_fails_with_its_own_error(defs: Path, write: Write) -> None:
    write("import no_such_package_at_all\n", "other/broken.py")
    write()
    with pytest.raises(Exception, match="no_such_package_at_all") as caught:
        load(defs)
    assert not isinstance(caught.value, UnknownName)


@pytest.mark.parametrize(
    ("spec", "name"),
    [(spec, name) for spec in (Dataset, FeatureTable, Model, Train, Join, Aggregation) for name in spec.model_fields],
)
def test_every_key_is_the_nearest_to_its_own_misspelling(spec: type[Spec], name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        spec.model_validate({f"{name}z": 1})
    message = str(explained(caught.value, spec, Origin(line="defs.yaml:1")))
    assert f"defs.yaml:1: unknown key in {spec.__name__} '{name}z'" in message
    assert f"did you mean '{name}'?" in message
    assert f"needs '{name}'" not in message


@pytest.mark.parametrize(
    "wrong", ["table: t, database: [s3cr3t]", "table: t, databse: s3cr3t", "delta: x, token: s3cr3t"]
)
def test_a_secret_is_not_told_by_a_mistake(defs: Path, write: Write, wrong: str) -> None:
    message = told(defs, write, "files: landing/flights/*.parquet", wrong)
    assert "defs.yaml:4" in message
    assert "s3cr3t" not in message
