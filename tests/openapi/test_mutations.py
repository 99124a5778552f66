"""Random mutations of valid documents: each is accepted, or refused with SpecError."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.openapi import SpecError
from scripts.openapi.correct import simplify
from scripts.openapi.diff import diff
from scripts.openapi.extract import extract
from scripts.openapi.flatten import flatten
from scripts.openapi.limits import Limits
from scripts.openapi.overlay import redundant_actions
from scripts.openapi.regenerate import ROOT, load, prepare
from scripts.openapi.report import Report, ReportedChange
from scripts.openapi.safe_yaml import dump, parse
from scripts.openapi.update import hidden
from scripts.openapi.usages import Usages
from tests.openapi.conftest import DOCUMENTS

UPSTREAM = load(ROOT / "openapi/upstream.yaml")
OVERLAY = load(ROOT / "openapi/overlay.yaml")
REPORTING = load(ROOT / "openapi/reporting.yaml")
USAGES = Usages(ROOT)
WHOLE = {path.name: load(path) for path in DOCUMENTS.iterdir()}
VALUES = [
    *(
        None,
        True,
        0,
        -1,
        1.5,
        "",
        "x",
        "a b",
        "\u00aa",
        "x" * 30_000,
        [],
        ["a"],
        [[]],
        [None],
        {},
        {"a": {}},
        {"": None},
    ),
    *(
        {"$ref": "#/components/schemas/Error"},
        {"$ref": "#/"},
        {"$ref": 1},
        {"allOf": [{"$ref": "#/components/schemas/A"}]},
    ),
]


def places(node, path=()):
    """Return the path of each value within the document."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, child in children for place in ((*path, key), *places(child, (*path, key)))]


def mutate(document, path, action, value, name):
    parent = document
    for key in path[:-1]:
        parent = parent[key]
    key = path[-1]
    if action == "delete":
        del parent[key]
    elif action == "replace":
        parent[key] = copy.deepcopy(value)
    elif action == "wrap":
        parent[key] = [parent[key]]
    elif isinstance(parent, dict):
        parent[name] = copy.deepcopy(value) if action == "add" else parent.pop(key)
    else:
        parent.append(copy.deepcopy(parent[key]))


NAMES = [
    "x",
    "",
    "$ref",
    "allOf",
    "enum",
    "default",
    "type",
    "items",
    "get",
    "200",
    "2XX",
    "id",
    "security",
    "~/",
    "deprecated",
]


@st.composite
def mutated(draw):
    document = copy.deepcopy(WHOLE[draw(st.sampled_from(sorted(WHOLE)))])
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(document)))
        action = draw(st.sampled_from(["delete", "replace", "wrap", "rename", "add"]))
        mutate(document, path, action, draw(st.sampled_from(VALUES)), draw(st.sampled_from(NAMES)))
        if not places(document):
            break
    return document


def processed(document):
    """Do everything that an update does, except running programs; return the report."""
    part = extract(parse(dump(document).encode()), UPSTREAM)
    upstream = diff(flatten(UPSTREAM), flatten(part.document), upstream=True)
    report = Report("1", "", {}, USAGES, [ReportedChange(each) for each in upstream], part.missing, notes=part.notes)
    assert report.as_text()
    assert report.as_markdown()
    corrected = prepare(part.document, OVERLAY, Limits())
    visible = diff(flatten(REPORTING), flatten(corrected))
    changes = hidden(UPSTREAM, part.document, OVERLAY, visible, flatten(corrected))
    redundant = redundant_actions(simplify(part.document), OVERLAY)
    return Report("1", "", {}, USAGES, [*map(ReportedChange, visible), *changes], redundant=redundant).as_text()


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_valid_document_is_processed(name):
    assert processed(WHOLE[name])


@settings(max_examples=100, derandomize=True, deadline=None)
@given(mutated())
def test_mutated_document_is_processed_or_refused(document):
    try:
        result = processed(document)
    except SpecError as error:
        result = str(error)
    assert result
    assert "validator failed" not in result
