"""The severity and text of each kind of change, from edits of the corrected document."""

import copy

import pytest

from scripts.openapi.diff import diff
from scripts.openapi.flatten import flatten
from scripts.openapi.regenerate import ROOT, load
from scripts.openapi.report import subject

BASE = load(ROOT / "openapi/reporting.yaml")
COUNTER, REPORT = "GET /counters/{}", "GET /users/{}/{}/calls/{}"
LABELS = {COUNTER: "getCounter", REPORT: "getCallReport"}


def operation(document, path="/counters/{id}"):
    return document["paths"][path]["get"]


def schema(document):
    return operation(document)["responses"]["200"]["content"]["application/json"]["schema"]


def parameters(document):
    return operation(document, "/users/{type}/{endpoint}/calls/{domain}")["parameters"]


def compared(before, after, **options):
    found = diff(flatten(before), flatten(after), **options)
    return [f"{change.severity}: {subject(change.element, LABELS)} {change.text}" for change in found]


def value_is(**keywords):
    return lambda document: schema(document)["properties"]["value"].update(keywords)


def field_is_new(**keywords):
    return lambda document: schema(document)["properties"].update(new=keywords)


def start_is(**keywords):
    return lambda document: parameters(document)[3].update(keywords)


def start_has(**keywords):
    return lambda document: parameters(document)[3]["schema"].update(keywords)


def domain_has(values):
    return lambda document: document["components"]["schemas"]["Domain"].update(enum=values)


def parameter_is_new(**keywords):
    parameter = {"name": "q", "in": "query", **keywords}
    return lambda document: operation(document)["parameters"].append(parameter)


def response_is_new(status, response):
    return lambda document: operation(document)["responses"].update({status: response})


VALUE = "`getCounter`: the field `value` of the response 200"
NEW = "`getCounter`: the field `new` of the response 200"
QUERY = "`getCounter`: the parameter `q` (query)"
START = "`getCallReport`: the parameter `_start` (query)"
DOMAIN = "`getCallReport`: the parameter `domain` (path)"
OK = "`getCounter`: the response `200`"
CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}

# The edit, the change, and the change when the edit is undone.
TABLE = {
    "field": (field_is_new(type="string"), f"additive: {NEW} is new", f"breaking: {NEW} is gone"),
    "field within a list": (
        value_is(type="array", items={"type": "object", "properties": {"deep": {"type": "string"}}}),
        "additive: `getCounter`: the field `value.[].deep` of the response 200 is new",
        "breaking: `getCounter`: the field `value.[].deep` of the response 200 is gone",
    ),
    "type": (
        value_is(type="string"),
        f"breaking: {VALUE} has the type `string` instead of `integer`",
        f"breaking: {VALUE} has the type `integer` instead of `string`",
    ),
    "type of a list's entries": (
        value_is(type="array", items={"type": "string"}),
        f"breaking: {VALUE} has the type `array of string` instead of `integer`",
        f"breaking: {VALUE} has the type `integer` instead of `array of string`",
    ),
    "format": (
        value_is(format="int32"),
        f"cosmetic: {VALUE} has the format `int32` instead of `int64`",
        f"cosmetic: {VALUE} has the format `int64` instead of `int32`",
    ),
    "null": (value_is(nullable=True), f"breaking: {VALUE} may be null now", f"additive: {VALUE} is never null now"),
    "null in 3.1": (
        value_is(type=["integer", "null"]),
        f"breaking: {VALUE} may be null now",
        f"additive: {VALUE} is never null now",
    ),
    "presence": (
        lambda document: schema(document).update(required=["value"]),
        f"additive: {VALUE} is always present now",
        f"breaking: {VALUE} may be absent now",
    ),
    "class": (
        lambda document: schema(document).update(title="Gauge"),
        f"breaking: {VALUE} has the model `Gauge` instead of `Counter`",
        f"breaking: {VALUE} has the model `Counter` instead of `Gauge`",
    ),
    "description": (
        value_is(description="Other words."),
        f"cosmetic: {VALUE} has a different description",
        f"cosmetic: {VALUE} has a different description",
    ),
    "deprecated field": (
        value_is(deprecated=True),
        f"additive: {VALUE} is deprecated now",
        f"cosmetic: {VALUE} is no longer deprecated",
    ),
    "deprecated parameter": (
        start_is(deprecated=True),
        f"additive: {START} is deprecated now",
        f"cosmetic: {START} is no longer deprecated",
    ),
    "deprecated operation": (
        lambda document: operation(document).update(deprecated=True),
        "additive: `getCounter` is deprecated now",
        "cosmetic: `getCounter` is no longer deprecated",
    ),
    "parameter": (
        parameter_is_new(schema={"type": "string"}),
        f"additive: {QUERY} is new",
        f"breaking: {QUERY} is gone",
    ),
    "required parameter": (
        parameter_is_new(schema={"type": "string"}, required=True),
        f"breaking: {QUERY} is new and required",
        f"breaking: {QUERY} is gone",
    ),
    "parameter with a default": (
        parameter_is_new(schema={"type": "string", "default": "xml"}),
        f'breaking: {QUERY} is new, and existing calls would now send its default `"xml"`',
        f"breaking: {QUERY} is gone",
    ),
    "requirement": (
        start_is(required=True),
        f"breaking: {START} is required now",
        f"additive: {START} is optional now",
    ),
    "parameter's null": (
        start_has(nullable=True),
        f"additive: {START} may be null now",
        f"breaking: {START} is never null now",
    ),
    "default": (
        start_has(default="2014-04-28"),
        f'breaking: {START} has the default `"2014-04-28"` instead of none, so existing calls would change',
        f'breaking: {START} has the default none instead of `"2014-04-28"`, so existing calls would change',
    ),
    "default of a required parameter": (
        lambda document: parameters(document)[1]["schema"].update(default="a"),
        'additive: `getCallReport`: the parameter `endpoint` (path) has the default `"a"` instead of none',
        'additive: `getCallReport`: the parameter `endpoint` (path) has the default none instead of `"a"`',
    ),
    "enum value": (
        domain_has(["data", "pstn", "sip"]),
        f'additive: {DOMAIN} has the new value `"sip"`',
        f'breaking: {DOMAIN} no longer has the value `"sip"`',
    ),
    "enum": (
        lambda document: document["components"]["schemas"]["Domain"].pop("enum"),
        f"breaking: {DOMAIN} allows any value now",
        f'breaking: {DOMAIN} allows only `"data"` and `"pstn"` now',
    ),
    "operation": (
        lambda document: document["paths"].update({"/new": {"get": {"operationId": "getNew", "responses": {}}}}),
        "additive: `GET /new` is new",
        "breaking: `GET /new` is gone",
    ),
    "operation's id": (
        lambda document: operation(document).update(operationId="getGauge"),
        "breaking: `getCounter` has the id `getGauge` instead of `getCounter`",
        "breaking: `getCounter` has the id `getCounter` instead of `getGauge`",
    ),
    "name of a path parameter": (
        lambda document: document["paths"].update({"/counters/{key}": document["paths"].pop("/counters/{id}")}),
        "breaking: `getCounter` has the path `/counters/{key}` instead of `/counters/{id}`",
        "breaking: `getCounter` has the path `/counters/{id}` instead of `/counters/{key}`",
    ),
    "authentication": (
        lambda document: (
            document["components"]["securitySchemes"].update(Token={"type": "http", "scheme": "bearer"}),
            operation(document)["security"].append({"Token": []}),
        ),
        (
            "additive: `getCounter` accepts `Authorization header`, `basic` or `bearer` for authentication "
            "instead of `Authorization header` or `basic`"
        ),
        (
            "breaking: `getCounter` accepts `Authorization header` or `basic` for authentication "
            "instead of `Authorization header`, `basic` or `bearer`"
        ),
    ),
    "no authentication": (
        lambda document: operation(document).update(security=[]),
        "additive: `getCounter` accepts nothing for authentication instead of `Authorization header` or `basic`",
        "breaking: `getCounter` accepts `Authorization header` or `basic` for authentication instead of nothing",
    ),
    "server": (
        lambda document: document["servers"].append({"url": "https://other.example.com"}),
        "additive: the server `https://other.example.com` is new",
        "breaking: the server `https://other.example.com` is gone",
    ),
    "server of an operation": (
        lambda document: operation(document).update(servers=[{"url": "https://other.example.com"}]),
        "breaking: `getCounter` has the server `https://other.example.com` instead of that of all",
        "breaking: `getCounter` has the server of all instead of `https://other.example.com`",
    ),
    "media type": (
        lambda document: operation(document)["responses"]["200"]["content"].update({"text/plain": {}}),
        f"additive: {OK} has the media types `application/json` and `text/plain` instead of `application/json`",
        f"additive: {OK} has the media types `application/json` instead of `application/json` and `text/plain`",
    ),
    "error": (
        response_is_new("418", {"description": "A teapot"}),
        "additive: `getCounter`: the response `418` is new",
        "cosmetic: `getCounter`: the response `418` is gone",
    ),
    "another success": (
        response_is_new("202", {"description": "Accepted", "content": CONTENT}),
        "breaking: `getCounter`: the response `202` is new, and the client parses only the status 200",
        "breaking: `getCounter`: the response `202` is gone",
    ),
    "error's field": (
        lambda document: document["components"]["schemas"]["Error"]["properties"].update(more={"type": "string"}),
        "additive: the field `more` of an error is new",
        "cosmetic: the field `more` of an error is gone",
    ),
    "body": (
        lambda document: operation(document).update(requestBody={"required": True, "content": {}}),
        "breaking: `getCounter`: the body is new and required",
        "breaking: `getCounter`: the body is gone",
    ),
}


# These edits change more than one element.
SEVERAL = {"field within a list", "class", "type of a list's entries"}


@pytest.mark.parametrize("name", TABLE)
def test_change_is_reported_once_and_rated_by_what_it_demands_of_a_user(name):
    edit, there, back = TABLE[name]
    after = copy.deepcopy(BASE)
    edit(after)
    found, undone = compared(BASE, after), compared(after, BASE)
    assert there in found
    assert back in undone
    assert name in SEVERAL or len(found) == len(undone) == 1
    assert compared(after, after) == []


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: (
            document["components"].update(
                securitySchemes={
                    "Key": document["components"]["securitySchemes"].pop("Basic"),
                    **document["components"]["securitySchemes"],
                }
            )
            or [each["get"].update(security=[{"Key": []}, {"Signed": []}]) for each in document["paths"].values()]
        ),
        lambda document: document["components"]["securitySchemes"].update(
            Signed={"type": "http", "scheme": "Application"}
        ),
        lambda document: [each["get"]["security"].reverse() for each in document["paths"].values()],
    ],
    ids=["renamed", "declared in the other form", "reordered"],
)
def test_security_schemes_are_compared_by_what_is_sent(edit):
    after = copy.deepcopy(BASE)
    edit(after)
    assert compared(BASE, after) == []


def test_additional_server_of_an_operation_is_not_a_change():
    after = copy.deepcopy(BASE)
    operation(after)["servers"] = [*BASE["servers"], {"url": "https://other.example.com"}]
    assert compared(BASE, after) == []


@pytest.mark.parametrize(
    ("edit", "change"),
    [
        (TABLE["operation's id"][0], []),
        (TABLE["class"][0], []),
        (
            lambda document: document["components"]["schemas"]["Domain"].pop("enum"),
            [f"additive: {DOMAIN} allows any value now"],
        ),
        (value_is(enum=[1, 2]), [f"additive: {VALUE} allows only `1` and `2` now"]),
    ],
)
def test_upstream_documents_are_compared_without_the_names_and_types_of_the_generated_client(edit, change):
    after = copy.deepcopy(BASE)
    edit(after)
    assert compared(BASE, after, upstream=True) == change


def test_most_severe_change_comes_first():
    after = copy.deepcopy(BASE)
    for name in ("description", "field", "requirement"):
        TABLE[name][0](after)
    assert [line.partition(":")[0] for line in compared(BASE, after)] == ["breaking", "additive", "cosmetic"]
