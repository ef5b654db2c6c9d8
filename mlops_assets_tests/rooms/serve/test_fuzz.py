"""Schemathesis over the service's own OpenAPI document: no crash, and no answer that the document does not know."""

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from mlops_assets_tests.rooms.serve.running import release, service

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FEW = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)


@pytest.mark.slow
def test_no_question_breaks_the_service(tmp_path: Path) -> None:
    release(tmp_path)
    with service(tmp_path) as running:
        schema = schemathesis.openapi.from_url(f"{running.url}/openapi.json")
        operations = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]  # the document is ours
        for operation in operations:

            @FEW
            @given(case=operation.as_strategy())
            def asked(case: schemathesis.Case[Any]) -> None:
                case.call_and_validate(checks=CHECKS)

            asked()
    assert len(operations) >= 6
