"""Templates in a declaration."""

from typing import Any

import pytest
from dagster.components.resolved.scopes import EnvScope
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_assets.components.origin import Origin
from mlops_assets.components.templates import render
from mlops_assets.errors import SpecError

HERE = Origin(line="defs.yaml:1")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text().filter(lambda text: "{{" not in text),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None, max_examples=50)
@given(VALUES)
def test_what_holds_no_template_stays_as_it_is(value: Any) -> None:
    assert render(value, {}, HERE) == value


def test_a_template_alone_keeps_the_type_of_what_it_means() -> None:
    assert render("{{ days }}", {"days": [7, 28]}, HERE) == [7, 28]


def test_a_template_in_a_text_becomes_text_and_quotes_stay() -> None:
    assert render('"{{ column }}" > {{ limit }}', {"column": "km", "limit": 3}, HERE) == '"km" > 3'


def test_the_bare_key_that_yaml_reads_as_true_is_the_key_on() -> None:
    assert render({True: ["origin"]}, {}, HERE) == {"on": ["origin"]}


def test_environment_variables_stay_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODE", "007")
    assert render("{{ env.CODE }}", {"env": EnvScope()}, HERE) == "007"
    assert render("{{ env('NO_SUCH', 'default') }}", {"env": EnvScope()}, HERE) == "default"


@pytest.mark.parametrize(
    "text", ["{{ env.NO_SUCH }}", "a {{ env.NO_SUCH }}", "{{ env('NO_SUCH') }}", "{{ nope }}", "{{ 1 +"]
)
def test_a_template_without_a_value_is_told_with_its_line(text: str) -> None:
    with pytest.raises(SpecError, match=r"defs.yaml:1: a template has no value.*set the environment variable"):
        render(text, {"env": EnvScope()}, HERE)
