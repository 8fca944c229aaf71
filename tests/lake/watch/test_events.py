"""Events are OpenLineage's, as its published schemas ask for them."""

from __future__ import annotations

from typing import Any

import pytest

from lake.metrics import Hop
from lake.watch import Watch
from lake.watch.events import Assertion, Dataset, Field, Name, Origin, Transformation
from lake.watch.lineage import Flow, run_uuid
from schemas.errors import LakeError
from tests.support.openlineage import validate
from tests.support.watched import Kept

TOPIC = Name("kafka://broker:9092", "retail.customer.cdc")
TABLE = Name("s3://bucket", "iceberg/retail_staging/customer")
FLOW = Flow(
    (Dataset("topic", TOPIC, (Field("after", "struct", fields=(Field("email", "string", "where to write"),)),)),),
    (
        Dataset(
            "customer",
            TABLE,
            (Field("email", "string"),),
            Name("s3://bucket/iceberg", "retail_staging.customer"),
            {"email": (Origin(TOPIC, "after.email", Transformation.IDENTITY),), "nothing": ()},
            (Origin(TOPIC, "after.email", Transformation.JOIN), Origin(TOPIC, "after.email", Transformation.GROUP_BY)),
        ),
    ),
)


def step(error: BaseException | None = None, *, abandon: bool = False, run_id: str = "run-1") -> list[dict[str, Any]]:
    kept = Kept()
    watch = kept.watch("retail")
    watch.run_id = run_id
    with watch.step(Hop.STAGING, "customer", lambda: FLOW, landing_last=7) as told:
        told.moved(
            "topic", rows=3, assertions=[Assertion("price_positive", False, True), Assertion("x", True, False, "email")]
        )
        told.moved("customer", rows=2, files=1, bytes=100)
        if abandon:
            told.abandon()
        if error:
            raise error
    return kept.events


def test_a_step_tells_its_start_and_its_end_under_one_run() -> None:
    events = step()
    for event in events:
        validate(event)
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
    assert len({event["run"]["runId"] for event in events}) == 1
    assert {event["job"]["name"] for event in events} == {"retail.staging.customer"}
    (output,) = events[1]["outputs"]
    statistics = output["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["fileCount"], statistics["size"]) == (2, 1, 100)
    assert list(output["facets"]["columnLineage"]["fields"]) == ["email"]
    (shaping,) = output["facets"]["columnLineage"]["dataset"]
    assert [way["subtype"] for way in shaping["transformations"]] == ["JOIN", "GROUP_BY"]
    (read,) = events[1]["inputs"]
    assert [item["success"] for item in read["inputFacets"]["dataQualityAssertions"]["assertions"]] == [False, True]
    assert read["inputFacets"]["dataQualityMetrics"]["rowCount"] == 3
    assert "schema" not in events[0]["outputs"][0]["facets"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LakeError("2 of 3 rows fail", where="t", remedy="mend it"), "2 of 3 rows fail"),
        (ValueError("ada@example.org is no number"), "ValueError"),
    ],
)
def test_a_failure_is_told_without_values_of_the_data(error: Exception, told: str) -> None:
    kept = Kept()
    with pytest.raises(type(error)), kept.watch("retail").step(Hop.STAGING, "customer", lambda: FLOW):
        raise error
    validate(kept.events[1])
    assert kept.events[1]["eventType"] == "FAIL"
    assert kept.events[1]["run"]["facets"]["errorMessage"]["message"] == told


def test_a_step_that_was_none_is_aborted() -> None:
    events = step(abandon=True)
    validate(events[1])
    assert events[1]["eventType"] == "ABORT"


def test_all_steps_of_a_route_have_one_parent_run() -> None:
    uuid = "8f3b7f0e-9b0e-4a57-9c8a-6d3b9a0d8d11"
    parents = [e["run"]["facets"]["parent"]["run"]["runId"] for e in (*step(), *step())]
    assert set(parents) == {run_uuid("run-1")}
    assert step(run_id=uuid)[0]["run"]["facets"]["parent"]["run"]["runId"] == uuid


def test_the_check_of_events_is_one() -> None:
    (event, _) = step()
    for broken in (
        event | {"eventTime": "noon"},
        event | {"eventType": "DONE"},
        event | {"run": {"runId": "7"}},
        event | {"surplus": 1},
        {name: value for name, value in event.items() if name != "job"},
        event | {"inputs": [{"name": "no namespace"}]},
    ):
        with pytest.raises((AssertionError, TypeError, ValueError, KeyError)):
            validate(broken)


def test_a_fault_in_what_is_told_ends_no_step(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    with kept.watch("retail").step(Hop.STAGING, "customer", lambda: FLOW) as told:
        told.tell(lambda step: step.measured(RowsIn=int("none")))
        told.measured(NoSuchMetric=1)
    assert [event["eventType"] for event in kept.events] == ["START", "COMPLETE"]
    assert caplog.text.count("staging customer: what it did cannot be told (ValueError)") == 1
    assert caplog.text.count("staging customer: what it did cannot be told (KeyError)") == 1


def test_lineage_that_cannot_be_told_is_said_once_and_never_ends_a_step(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    watch: Watch = kept.watch("retail")

    def gone(_: Any) -> None:
        raise ConnectionError

    assert watch.lineage
    watch.lineage.send = gone
    done = 0
    for _ in range(3):
        with watch.step(Hop.STAGING, "customer", lambda: FLOW):
            done += 1
    assert done == 3
    assert caplog.text.count("lineage cannot be told (ConnectionError)") == 1
