"""How much each kind of change asks of a user, from edits of the document that the client is made from."""

import copy

import pytest

from scripts.lib.regenerate import ROOT, load
from scripts.lib.spec.changes import changes
from scripts.lib.spec.facts import facts
from scripts.lib.spec.report import subject

BASE = load(ROOT / "openapi/reporting.yaml")
REPORT = BASE["paths"]["/users/{type}/{endpoint}/calls/{domain}"]["get"]


def operation(document, path="/counters/{id}"):
    return document["paths"][path]["get"]


def fields(document):
    schema = operation(document)["responses"]["200"]["content"]["application/json"]["schema"]
    return schema.setdefault("properties", {}), schema


def parameters(document):
    return document["paths"]["/users/{type}/{endpoint}/calls/{domain}"]["get"]["parameters"]


def compared(before, after):
    found = changes(facts(before), facts(after))
    return [f"{change.severity}: {subject(change.fact)} {change.text}" for change in found]


def value_is(**traits):
    return lambda document: fields(document)[0]["value"].update(traits)


def start_is(**traits):
    return lambda document: parameters(document)[3].update(traits)


def domain_is(values):
    return lambda document: document["components"]["schemas"]["Domain"].update(enum=values)


VALUE = "`getCounter`: the field `value` of the answer 200"
START = "`getCallReport`: the parameter `_start` (query)"
DOMAIN = "`getCallReport`: the parameter `domain` (path)"

# What is done to the document, what that is, and what undoing it is.
TABLE = {
    "a field": (
        lambda document: fields(document)[0].update(new={"type": "string"}),
        "additive: `getCounter`: the field `new` of the answer 200 is new",
        "breaking: `getCounter`: the field `new` of the answer 200 is gone",
    ),
    "a field within a list": (
        lambda document: fields(document)[0].update(
            value={"type": "array", "items": {"type": "object", "properties": {"deep": {"type": "string"}}}}
        ),
        "additive: `getCounter`: the field `value.[].deep` of the answer 200 is new",
        "breaking: `getCounter`: the field `value.[].deep` of the answer 200 is gone",
    ),
    "type": (
        value_is(type="string", format="date"),
        f"breaking: {VALUE} has the type `string (date)`, in place of `integer (int64)`",
        f"breaking: {VALUE} has the type `integer (int64)`, in place of `string (date)`",
    ),
    "null": (value_is(nullable=True), f"breaking: {VALUE} may be null now", f"additive: {VALUE} is never null now"),
    "null by 3.1": (
        value_is(type=["integer", "null"]),
        f"breaking: {VALUE} may be null now",
        f"additive: {VALUE} is never null now",
    ),
    "certainty": (
        lambda document: fields(document)[1].update(required=["value"]),
        f"additive: {VALUE} is always there now",
        f"breaking: {VALUE} may be missing now",
    ),
    "class": (
        lambda document: fields(document)[1].update(title="Gauge"),
        f"breaking: {VALUE} has the class `Gauge`, in place of `Counter`",
        f"breaking: {VALUE} has the class `Counter`, in place of `Gauge`",
    ),
    "prose": (
        value_is(description="Other words."),
        f"cosmetic: {VALUE} has another description",
        f"cosmetic: {VALUE} has another description",
    ),
    "parameter": (
        lambda document: (
            operation(document)
            .setdefault("parameters", [])
            .append({"name": "q", "in": "query", "schema": {"type": "string"}})
        ),
        "additive: `getCounter`: the parameter `q` (query) is new",
        "breaking: `getCounter`: the parameter `q` (query) is gone",
    ),
    "demand": (start_is(required=True), f"breaking: {START} is required now", f"additive: {START} may be left out now"),
    "parameter's null": (
        lambda document: parameters(document)[3]["schema"].update(nullable=True),
        f"additive: {START} may be null now",
        f"breaking: {START} is never null now",
    ),
    "default": (
        lambda document: parameters(document)[3]["schema"].update(default="2014-04-28"),
        f'additive: {START} has the default `"2014-04-28"`',
        f'breaking: {START} has the default none, in place of `"2014-04-28"`',
    ),
    "value of a set": (
        domain_is(["data", "pstn", "sip"]),
        f'additive: {DOMAIN} knows the value `"sip"` too',
        f'breaking: {DOMAIN} knows the value `"sip"` no more',
    ),
    "set": (
        lambda document: document["components"]["schemas"]["Domain"].pop("enum"),
        f"breaking: {DOMAIN} has the type `string`, in place of `one of Domain`",
        f"breaking: {DOMAIN} has the type `one of Domain`, in place of `string`",
    ),
    "operation": (
        lambda document: document["paths"].update({"/new": {"get": {"operationId": "getNew", "responses": {}}}}),
        "additive: `getNew` is new",
        "breaking: `getNew` is gone",
    ),
    "operation's id": (
        lambda document: operation(document).update(operationId="getGauge"),
        "breaking: `getCounter` is called `getGauge` now",
        "breaking: `getGauge` is called `getCounter` now",
    ),
    "path": (
        lambda document: document["paths"].update({"/gauges/{id}": document["paths"].pop("/counters/{id}")}),
        "breaking: `getCounter` has the call `GET /gauges/{id}`, in place of `GET /counters/{id}`",
        "breaking: `getCounter` has the call `GET /counters/{id}`, in place of `GET /gauges/{id}`",
    ),
    "authentication": (
        lambda document: operation(document)["security"].append({"Token": []}),
        "additive: `getCounter` takes `Basic` or `Signed` or `Token` to authenticate, in place of `Basic` or `Signed`",
        "breaking: `getCounter` takes `Basic` or `Signed` to authenticate, in place of `Basic` or `Signed` or `Token`",
    ),
    "error": (
        lambda document: operation(document)["responses"].update({"418": {"description": "A teapot"}}),
        "additive: `getCounter`: the answer `418` is new",
        "cosmetic: `getCounter`: the answer `418` is gone",
    ),
    "error's field": (
        lambda document: document["components"]["schemas"]["Error"]["properties"].update(more={"type": "string"}),
        "additive: the field `Error.more` of an error is new",
        "cosmetic: the field `Error.more` of an error is gone",
    ),
    "body": (
        lambda document: operation(document).update(requestBody={"required": True, "content": {}}),
        "breaking: `getCounter`: the body is new and required",
        "breaking: `getCounter`: the body is gone",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_a_change_is_judged_by_what_it_asks_of_a_user(name):
    change, there, back = TABLE[name]
    after = copy.deepcopy(BASE)
    change(after)
    assert there in compared(BASE, after)
    assert back in compared(after, BASE)
    assert compared(after, after) == []


@pytest.mark.parametrize("name", [name for name in TABLE if name not in {"a field within a list", "class"}])
def test_a_change_is_said_once(name):
    change, there, back = TABLE[name]
    after = copy.deepcopy(BASE)
    change(after)
    assert (compared(BASE, after), compared(after, BASE)) == ([there], [back])


def test_the_gravest_comes_first():
    after = copy.deepcopy(BASE)
    for name in ("prose", "a field", "demand"):
        TABLE[name][0](after)
    assert [line.partition(":")[0] for line in compared(BASE, after)] == ["breaking", "additive", "cosmetic"]
