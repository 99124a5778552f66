import copy

import pytest

from scripts.lib.overlay import OverlayError, apply_overlay

DOCUMENT = {
    "info": {"title": "A"},
    "tags": [{"name": "one"}, {"name": "two"}, {"name": "three"}],
    "paths": {"/a/{id}": {"get": {"tags": ["one"]}}, "/b": {"get": {"tags": ["two"]}}},
}


def overlaid(*actions):
    return apply_overlay(DOCUMENT, {"overlay": "1.0.0", "actions": actions})


def test_an_update_is_merged_into_an_object():
    changed = overlaid({"target": "$.paths['/a/{id}']", "update": {"get": {"operationId": "getA", "tags": ["more"]}}})
    assert changed["paths"]["/a/{id}"] == {"get": {"tags": ["one", "more"], "operationId": "getA"}}


def test_an_update_is_appended_to_an_array():
    assert overlaid({"target": "$.tags", "update": {"name": "four"}})["tags"][-1] == {"name": "four"}


def test_an_update_reaches_every_match_without_being_shared():
    changed = overlaid(
        {"target": "$.paths.*.get", "update": {"responses": {}}},
        {"target": "$.paths['/b'].get.responses", "update": {"404": {}}},
    )
    assert changed["paths"]["/a/{id}"]["get"]["responses"] == {}
    assert changed["paths"]["/b"]["get"]["responses"] == {"404": {}}


def test_a_removal_takes_every_match():
    assert overlaid({"target": "$.tags[?@.name != 'two']", "remove": True})["tags"] == [{"name": "two"}]
    assert "title" not in overlaid({"target": "$.info.title", "remove": True})["info"]


def test_the_document_itself_is_left_alone():
    before = copy.deepcopy(DOCUMENT)
    overlaid({"target": "$.info", "update": {"title": "B"}}, {"target": "$.tags", "remove": True})
    assert before == DOCUMENT


@pytest.mark.parametrize(
    ("action", "reason"),
    [
        ({"target": "$.paths['/gone'].get", "update": {}}, "matches nothing"),
        ({"target": "$.tags[?@.name == 'four']", "remove": True}, "matches nothing"),
        ({"target": "$.info[", "update": {}}, "target"),
        ({"target": "$", "remove": True}, "cannot be removed"),
        ({"target": "$.info.title", "update": {"a": 1}}, "only objects and arrays"),
        ({"target": "$.info", "update": "B"}, "only objects and arrays"),
        ({"target": "$.info"}, "neither an update nor a removal"),
    ],
)
def test_an_action_that_does_not_fit_fails_and_is_named(action, reason):
    with pytest.raises(OverlayError, match=f"^action 2, .*{reason}"):
        overlaid({"target": "$.info", "update": {}}, action)


def test_another_kind_of_document_is_refused():
    with pytest.raises(OverlayError, match=r"Overlay 1\.0\.0"):
        apply_overlay(DOCUMENT, {"openapi": "3.0.0"})
