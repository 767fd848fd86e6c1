"""What nobody should send: requests made of the server's own description, and damaged ones; never a 5xx."""

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
FUZZ = Path(__file__).parents[3] / "benchmarks" / "serving" / "api" / "fuzz.py"


def test_damaged_requests_are_answered_and_the_server_lives(client):
    spec = importlib.util.spec_from_file_location("fuzz", FUZZ)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    told = client.run(module.fuzz(client.http, 1500, 8, seed=1))
    assert told["faults"] == [] and told["answers_after"] == 200
    assert sum(told["statuses"].values()) == 1500 and set(told["statuses"]) <= {200, 400, 404, 413}


def test_requests_made_of_the_openapi_are_answered(client):
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    posts = [one.ok() for one in schema.get_all_operations() if one.ok().method.upper() == "POST"]
    assert len(posts) >= 15

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of([operation.as_strategy() for operation in posts]))
    def answered(case):
        body = case.body if isinstance(case.body, dict) else {}
        small = body | {
            name: 2
            for name in ("max_tokens", "max_completion_tokens", "max_output_tokens")
            if isinstance(body.get(name), int)
        }
        response = client.post(case.operation.path, small)
        assert response.status_code < 500, (case.operation.path, body, response.text)

    answered()
