"""The table of calls is what modules call: their text is searched for operations of the services that they use."""

import ast
import importlib.util
import re
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

from lake import permissions
from lake.permissions import CALLS, of_resource

ROOT = Path(__file__).parents[2]
ROOMS = ("schemas", "streaming", "redshift_sql", "glue_jobs", "lake", "infra")
CLIENT = re.compile(r"""\.(?:client|resource)\(\s*["']([a-z0-9-]+)["']""")


def operations_of(service: str) -> dict[str, str]:
    """A service's operations as boto3 spells them → as the service does."""
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


def words_of(text: str) -> set[str]:
    """Names of attributes that are called, and texts: a call may be made by name."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found.add(node.func.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return found


def text_of(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text()


@pytest.mark.parametrize("module", CALLS)
def test_a_modules_calls_are_the_tables(module: str) -> None:
    known = operations_of(CALLS[module].client)
    assert words_of(text_of(module)) & known.keys() == CALLS[module].operations.keys()


def test_every_module_that_makes_a_client_is_in_the_table() -> None:
    makers = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for service in CLIENT.findall(path.read_text()):
                makers[".".join(path.relative_to(ROOT).with_suffix("").parts)] = service
    assert makers
    assert makers.items() <= {module: calls.client for module, calls in CALLS.items()}.items()


def test_an_operations_action_is_its_own_name_or_known_to_differ() -> None:
    """IAM names an action after its operation, but for S3, whose HEAD and LIST ask for others."""
    differ = {
        "s3:HeadObject": {"s3:GetObject"},
        "s3:ListObjectsV2": {"s3:ListBucket"},
        "s3:ListObjectVersions": {"s3:ListBucketVersions"},
        "s3:DeleteObject": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    }
    for calls in CALLS.values():
        names = operations_of(calls.client)
        for operation, action in calls.operations.items():
            own = f"{calls.client}:{names[operation]}"
            assert action in differ.get(own, {own})


@pytest.mark.parametrize(
    ("resource", "actions"),
    [
        ("arn:aws:states:::aws-sdk:redshiftdata:executeStatement", {"redshift-data:ExecuteStatement"}),
        ("arn:aws:scheduler:::aws-sdk:glue:startJobRun", {"glue:StartJobRun"}),
        ("arn:aws-cn:states:::glue:startJobRun", {"glue:StartJobRun"}),
        ("arn:aws:states:::aws-sdk:sfn:listExecutions", {"states:ListExecutions"}),
    ],
)
def test_a_tasks_actions_follow_from_its_resource(resource: str, actions: set[str]) -> None:
    assert of_resource(resource) == actions


def test_an_unknown_integration_is_no_guess() -> None:
    with pytest.raises(KeyError):
        of_resource("arn:aws:states:::sns:publish")


def test_no_role_may_do_everything() -> None:
    every = set().union(*permissions.JOBS.values(), permissions.WAREHOUSE, permissions.DECODE)
    assert not [action for action in every if "*" in action]


def test_the_page_on_the_warehouse_lists_what_is_asked() -> None:
    page = (ROOT / "docs" / "warehouse.md").read_text()
    table = page.partition("warehouse's own role")[2].partition("DuckDB and PostgreSQL run")[0]
    assert set(re.findall(r"`([a-z0-9-]+:[A-Za-z]+)`", table)) == permissions.WAREHOUSE
    asked = permissions.JOBS["curated_to_warehouse"].union(*permissions.CREDENTIALS.values())
    assert all(action.partition(":")[2] in page for action in asked if action.startswith("redshift"))
