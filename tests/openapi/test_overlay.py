import copy

import pytest

from scripts.openapi import SpecError
from scripts.openapi.overlay import apply_overlay

DOCUMENT = {
    "info": {"title": "A"},
    "tags": [{"name": "one"}, {"name": "two"}, {"name": "three"}],
    "paths": {"/a/{id}": {"get": {"tags": ["one"]}}, "/b": {"get": {"tags": ["two"]}}},
}


def overlaid(*actions):
    document, failures = apply_overlay(DOCUMENT, {"overlay": "1.0.0", "actions": actions})
    assert failures == []
    return document


def test_update_is_merged_into_an_object():
    changed = overlaid({"target": "$.paths['/a/{id}']", "update": {"get": {"operationId": "getA", "tags": ["more"]}}})
    assert changed["paths"]["/a/{id}"] == {"get": {"tags": ["one", "more"], "operationId": "getA"}}


def test_update_is_appended_to_an_array():
    assert overlaid({"target": "$.tags", "update": {"name": "four"}})["tags"][-1] == {"name": "four"}


def test_update_reaches_every_match_without_being_shared():
    changed = overlaid(
        {"target": "$.paths.*.get", "update": {"responses": {}}},
        {"target": "$.paths['/b'].get.responses", "update": {"404": {}}},
    )
    assert changed["paths"]["/a/{id}"]["get"]["responses"] == {}
    assert changed["paths"]["/b"]["get"]["responses"] == {"404": {}}


def test_removal_takes_every_match():
    assert overlaid({"target": "$.tags[?@.name != 'two']", "remove": True})["tags"] == [{"name": "two"}]
    assert "title" not in overlaid({"target": "$.info.title", "remove": True})["info"]


def test_original_document_is_unchanged():
    before = copy.deepcopy(DOCUMENT)
    overlaid({"target": "$.info", "update": {"title": "B"}}, {"target": "$.tags", "remove": True})
    assert before == DOCUMENT


def test_removal_of_what_is_gone_is_not_a_failure():
    assert overlaid({"target": "$.info.version", "remove": True}) == DOCUMENT


FAILURES = {
    "path": (
        {"target": "$.paths['/a/{key}'].get", "update": {}},
        "the target matches nothing",
        "$['paths'] is an object with /a/{id}, /b, without ['/a/{key}']",
        "change the target to $['paths']['/a/{id}']['get'] if that is the same, or drop the action",
    ),
    "entry of a list": (
        {"target": "$.tags[?@.name == 'for']", "remove": True},
        "the target matches nothing",
        "$['tags'] is a list of one, two, three, without [?@['name'] == 'for']",
        "change the target to $['tags'][?@.name == ",
    ),
    "nothing similar": (
        {"target": "$.info.title.deep", "update": {}},
        "the target matches nothing",
        "$['info']['title'] is 'A', without ['deep']",
        "drop the action",
    ),
    "syntax": ({"target": "$.info[", "update": {}}, "", "unknown", "correct the syntax of the target"),
    "whole document": (
        {"target": "$", "remove": True},
        "cannot be removed",
        "$ is an object with info, tags, paths",
        "",
    ),
    "value": (
        {"target": "$.info.title", "update": {"a": 1}},
        "only objects and lists can be updated",
        "$['info']['title'] is 'A'",
        "change the update so that it fits",
    ),
    "value for an object": (
        {"target": "$.info", "update": "B"},
        "only objects and lists can be updated",
        "$['info'] is",
        "",
    ),
    "neither": ({"target": "$.info"}, "neither an update nor a removal", "$['info'] is an object with title", ""),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failing_action_is_reported_with_what_is_there_and_a_proposal(name):
    action, reason, found, proposal = FAILURES[name]
    _, (failure,) = apply_overlay(
        DOCUMENT, {"overlay": "1.0.0", "actions": [{"target": "$.info", "update": {}}, action]}
    )
    assert (failure.number, failure.target) == (2, action["target"])
    assert reason in failure.reason
    assert found in failure.found
    assert proposal in failure.proposal


def test_all_failing_actions_are_reported_and_the_others_applied():
    failing = [FAILURES[name][0] for name in ("path", "value")]
    actions = [failing[0], {"target": "$.info", "update": {"version": "1"}}, failing[1]]
    document, failures = apply_overlay(DOCUMENT, {"overlay": "1.0.0", "actions": actions})
    assert [failure.number for failure in failures] == [1, 3]
    assert document["info"] == {"title": "A", "version": "1"}


def test_other_document_is_refused():
    with pytest.raises(SpecError, match=r"Overlay 1\.0\.0"):
        apply_overlay(DOCUMENT, {"openapi": "3.0.0"})
