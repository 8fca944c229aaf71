"""A plan in words: verbs, names of attributes, what loses data - and never a value."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lake.deploy.changes import HOLDS_DATA, Verb, changes_of, markdown_of, text_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet="☃♠♥", min_size=1, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
    max_leaves=6,
)
ATTRIBUTES = st.dictionaries(st.sampled_from(["input", "tags", "policy"]), VALUES, max_size=3)
ACTIONS = st.sampled_from([["create"], ["update"], ["delete"], ["delete", "create"], ["create", "delete"], ["no-op"]])


def change(address: str, actions: list[str], before: Any = None, after: Any = None, **more: Any) -> dict[str, Any]:
    """A resource's change as Terraform tells it."""
    told = {"actions": actions, "before": before, "after": after, "after_unknown": {}, "after_sensitive": {}, **more}
    return {"address": address, "type": address.split(".")[-2], "change": told}


def plan(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resource_changes": list(resources), "output_changes": {}}


@given(st.lists(st.tuples(ACTIONS, ATTRIBUTES, ATTRIBUTES), max_size=4))
def test_nothing_that_is_shown_holds_a_value(parts: list[tuple[list[str], dict[str, Any], dict[str, Any]]]) -> None:
    found = changes_of(plan(*(change(f"aws_x.r{n}", *part) for n, part in enumerate(parts))))
    shown = text_of(found) + markdown_of(found, "dev") + str(found.to_json())
    assert not set("☃♠♥") & set(shown)
    assert found.count(*Verb) == sum(part[0] != ["no-op"] for part in parts)


def test_an_update_names_what_differs_and_a_replacement_what_forces_it() -> None:
    updated = change("aws_glue_job.a", ["update"], {"x": 1, "y": 2}, {"x": 1, "y": 3}, after_unknown={"z": True})
    replaced = change("aws_glue_job.b", ["delete", "create"], {"n": 1}, {"n": 2}, replace_paths=[["n"]])
    one, two = changes_of(plan(updated, replaced)).items
    assert (one.verb, one.attributes) == (Verb.UPDATE, ("y", "z"))
    assert (two.verb, two.forces) == (Verb.REPLACE, ("n",))
    assert "(because of n)" in text_of(changes_of(plan(replaced)))


def test_destroying_or_replacing_what_holds_data_is_told_apart() -> None:
    for kind in sorted(HOLDS_DATA):
        for actions, loses in ((["delete"], True), (["create", "delete"], True), (["update"], False)):
            (item,) = changes_of(plan(change(f"module.lake.{kind}.this", actions, {"a": 1}, {"a": 2}))).items
            assert item.loses_data is loses
    (job,) = changes_of(plan(change("aws_glue_job.a", ["delete"], {"a": 1}))).items
    assert not job.loses_data


def test_a_digest_tells_plans_apart_by_their_values_but_for_sensitive_ones() -> None:
    def digest(value: str, sensitive: object) -> str:
        after = {"list": ["same", {"text": value}]}
        return changes_of(plan(change("aws_x.a", ["create"], None, after, after_sensitive=sensitive))).digest

    marks = {"list": [False, {"text": True}]}
    assert digest("a", {}) != digest("b", {})
    assert digest("a", marks) == digest("b", marks)
    assert digest("a", True) == digest("b", True)


def test_a_changed_output_alone_changes_the_digest_and_no_number() -> None:
    output = {"actions": ["update"], "before": "a", "after": "b", "after_unknown": False, "after_sensitive": False}
    found = changes_of({**plan(), "output_changes": {"name": output}})
    assert found.items == ()
    assert found.digest != changes_of(plan()).digest
