"""Documents that must not reach the generator, or that it must not run."""

import ast
import copy
import json
import shutil

import pytest
import yaml

from scripts.openapi import SpecError, regenerate
from scripts.openapi.check_generated_code import check_code
from scripts.openapi.regenerate import PACKAGE, ROOT, load
from scripts.openapi.safe_yaml import parse
from tests.openapi.conftest import DOCUMENTS

CODE = '"""\nimport os; os.system("touch PWNED")\n"""'
REPORT = "/users/{type}/{endpoint}/calls/{domain}"


def valid():
    return parse((DOCUMENTS / "corrected.yaml").read_bytes())


def refused(tree, tmp_path, capsys, data):
    """Update from the bytes, check that nothing has changed, and return the message."""
    (tmp_path / "hostile").write_bytes(data)
    before = tree.contents()
    assert tree.update(tmp_path / "hostile") == 1
    assert tree.contents() == before
    return capsys.readouterr().err


def in_operation(key, value):
    return lambda document: document["paths"]["/counters/{id}"]["get"].update({key: value})


def in_parameter(key, value):
    return lambda document: document["paths"]["/counters/{id}"]["get"]["parameters"][0].update({key: value})


def in_field(key, value):
    return lambda document: document["components"]["schemas"]["Counter"]["properties"]["value"].update({key: value})


def another_parameter(**fields):
    parameter = {"in": "query", "schema": {"type": "string"}, **fields}
    return lambda document: document["paths"]["/counters/{id}"]["get"]["parameters"].append(parameter)


def another_field(name, schema):
    return lambda document: document["components"]["schemas"]["Counter"]["properties"].update({name: schema})


def another_schema(name):
    """Add a schema that a field uses."""
    return lambda document: (
        document["components"]["schemas"].update({name: {"type": "object", "properties": {"a": {"type": "string"}}}}),
        another_field("more", {"$ref": f"#/components/schemas/{name}"})(document),
    )


def another_path(path):
    return lambda document: document["paths"].update({path: copy.deepcopy(document["paths"]["/services/{id}"])})


def header(name):
    return another_parameter(name=name, **{"in": "header"})


COUNTER = "#/paths/~1counters~1{id}/get"
FIELDS = "#/components/schemas/Counter/properties"

# The edit, the JSON pointer and the reason.
REFUSED = {
    "operation-id": (
        lambda document: (
            another_path("/a/{id}")(document),
            document["paths"]["/a/{id}"]["get"].update(operationId=f"a{CODE}"),
        ),
        "#/paths/~1a~1{id}/get/operationId",
        "operation id",
    ),
    "path": (another_path('/a"; import os #'), '#/paths/~1a"; import os #', "path"),
    "path-parameter": (another_path("/a/{x.__class__}/{y!r}"), "#/paths/", "path"),
    "parameter-name": (
        another_parameter(name='q"]; import os #'),
        f"{COUNTER}/parameters/1/name",
        "name of a parameter",
    ),
    "parameter-default": (
        another_parameter(name="q", schema={"type": "string", "default": 'x"; import os'}),
        f"{COUNTER}/parameters/1/schema",
        "default or enum value",
    ),
    "enum-value": (
        another_parameter(name="q", schema={"type": "string", "enum": ["a", "b\nimport os"]}),
        f"{COUNTER}/parameters/1/schema",
        "default or enum value",
    ),
    "const": (another_field("c", {"type": "string", "const": "y'''"}), f"{FIELDS}/c", "default or enum value"),
    "default-of-a-list": (in_field("default", {"a": CODE}), f"{FIELDS}/value", "is a mapping or a list"),
    "field-name": (another_field('x"\nimport os', {"type": "string"}), FIELDS, "name of a field"),
    "title": (in_field("title", CODE), f"{FIELDS}/value/title", "title of a schema"),
    "format": (another_field("c", {"type": "string", "format": CODE}), f"{FIELDS}/c/format", "format of a schema"),
    "status": (
        lambda document: document["paths"]["/counters/{id}"]["get"]["responses"].update({CODE: {"description": "x"}}),
        COUNTER,
        "status of a response",
    ),
    "server": (
        lambda document: document["servers"][0].update({"url": 'https://a"; import os'}),
        "#/servers/0/url",
        "URL of a server",
    ),
    "remote-reference": (in_parameter("schema", {"$ref": "https://example.com/a.yaml#/b"}), "", "outside the document"),
    "file-reference": (in_parameter("schema", {"$ref": "../../secrets.yaml"}), "", "outside the document"),
    "remote-parameter": (in_operation("parameters", [{"$ref": "file:///etc/passwd"}]), "", "outside the document"),
    "remote-discriminator": (
        lambda document: document["components"]["schemas"]["Counter"].update(
            {"discriminator": {"propertyName": "modified", "mapping": {"a": "https://example.com/a.yaml"}}}
        ),
        "",
        "not a component schema",
    ),
    "schema-id": (in_field("$id", "https://example.com/"), f"{FIELDS}/value", "out of the document"),
    "dynamic-reference": (in_field("$dynamicRef", "https://example.com/#a"), f"{FIELDS}/value", "out of the document"),
    "dangling-reference": (in_parameter("schema", {"$ref": "#/components/schemas/None"}), "", "points to nothing"),
    "reference-to-itself": (
        lambda document: (
            document["components"].update({"parameters": {"A": {"$ref": "#/components/parameters/A"}}}),
            in_operation("parameters", [{"$ref": "#/components/parameters/A"}])(document),
        ),
        "",
        "leads to itself",
    ),
    "long-text": (in_operation("description", "x" * 20_001), "", "longer than"),
    "odd-shape": (
        in_operation("responses", ["200"]),
        "$['paths']['/counters/{id}']['get']['responses'] is",
        "a list of 200",
    ),
    "x-timestamp": (header("X-Timestamp"), f"{COUNTER}/parameters/1", "the header parameter 'X-Timestamp' is refused"),
    "host": (header("Host"), f"{COUNTER}/parameters/1", "the header parameter 'Host' is refused"),
    "content-length": (header("content-length"), f"{COUNTER}/parameters/1", "'content-length' is refused"),
    "parameter-shadows-another": (
        another_parameter(name="Id"),
        f"{COUNTER}/parameters/1",
        "the parameter 'Id' shadows the parameter 'id'",
    ),
    "parameter-shadows-generated-name": (
        another_parameter(name="params"),
        f"{COUNTER}/parameters/1",
        "the parameter 'params' shadows a name of the generated code",
    ),
    "field-shadows-another": (
        another_field("Value", {"type": "string"}),
        f"{FIELDS}/Value",
        "the field 'Value' shadows the field 'value'",
    ),
    "field-shadows-generated-name": (
        another_field("to_dict", {"type": "string"}),
        f"{FIELDS}/to_dict",
        "the field 'to_dict' shadows a name of the generated code",
    ),
    "schema-shadows-another": (
        another_schema("COUNTER"),
        "#/components/schemas/COUNTER",
        "the schema 'COUNTER' shadows the schema 'Counter'",
    ),
    "schema-shadows-generated-name": (
        another_schema("Unset"),
        "#/components/schemas/Unset",
        "the schema 'Unset' shadows a name of the generated code",
    ),
    "enum-values-of-the-same-name": (
        another_field("letter", {"type": "string", "enum": ["a", "\u00aa", "A"]}),
        f"{FIELDS}/letter/enum",
        "the enum value 'A' shadows the enum value 'a'",
    ),
    "circular-all-of": (
        lambda document: (
            another_schema("Loop")(document),
            document["components"]["schemas"].update(Loop={"allOf": [{"$ref": "#/components/schemas/Loop"}]}),
        ),
        "#/components/schemas/Loop",
        "contains itself",
    ),
    "malformed-security": (
        in_operation("security", [{"Basic": None}]),
        f"{COUNTER}/security/0/Basic",
        "None is not of type",
    ),
    "null-security": (in_operation("security", None), f"{COUNTER}/security", "None is not of type"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_document_is_reported_with_its_place_and_changes_nothing(name, tree, tmp_path, capsys):
    edit, place, reason = REFUSED[name]
    document = valid()
    edit(document)
    error = refused(tree, tmp_path, capsys, json.dumps(document).encode())
    assert place in error
    assert reason in error
    assert "Traceback" not in error
    assert "bug in scripts" not in error
    assert not list(tree.root.rglob("PWNED"))


BOMBS = {
    "aliases": (
        b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)),
        "counting those behind aliases",
    ),
    "merge-keys": (b"a: &a {x: 1}\nb: {<<: [*a, *a]}\n", "merge key"),
    "alias-to-itself": (b"a: &a [*a]\n", "levels deep"),
    "depth-of-yaml": (b"a: " + b"[" * 5000 + b"]" * 5000, "levels deep"),
    "depth-of-json": (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "levels deep"),
    "values": (b"a: [" + b"1," * 200_001 + b"]", "values"),
    "python-object": (b"a: !!python/object/apply:os.system [touch PWNED]\n", "neither YAML nor JSON"),
    "digits": (b"a: " + b"9" * 5000, "neither YAML nor JSON"),
    "no-number": (b'{"a": NaN}', "is not a JSON number"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bomb_is_refused_and_changes_nothing(name, tree, tmp_path, capsys):
    data, reason = BOMBS[name]
    assert reason in refused(tree, tmp_path, capsys, data)


def test_code_in_descriptions_and_examples_stays_text(tree, tmp_path):
    document = valid()
    texts = [
        CODE,
        "'''",
        "\\",
        '\\"""',
        "{7*7} {{ 7*7 }} {% raw %}",
        "\u202etxt",
        "a\u2028import os",
        "\r\nimport os",
        "\x00",
    ]
    for path, text in zip(document["paths"].values(), [*texts, *texts], strict=False):
        path["get"]["summary"] = path["get"]["description"] = text
    counter = document["components"]["schemas"]["Counter"]
    counter["description"] = CODE
    counter["properties"] |= {
        f"field{number}": {"type": "string", "description": text, "example": text, "x-extra": text}
        for number, text in enumerate(texts)
    }
    document["paths"]["/counters/{id}"]["get"]["parameters"] += [
        {"name": f"q{number}", "in": "query", "schema": {"type": "string"}, "description": text, "example": text}
        for number, text in enumerate(texts)
    ]
    (tmp_path / "hostile.json").write_text(json.dumps(document), "utf-8")
    assert tree.update(tmp_path / "hostile.json") == 10
    modules = {path: path.read_text("utf-8") for path in (tree.root / PACKAGE).rglob("*.py")}
    # The texts are there, as the docstrings of what is there otherwise too.
    assert [text for text in modules.values() if "os.system" in text]
    for path, text in modules.items():
        code = [ast.unparse(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call | ast.Import)]
        assert not [part for part in code if "os" in part.split("(")[0].split()], path
        assert not set(text) & set("\u202e\u2028\x00"), path
    check_code(tree.root / PACKAGE)


def test_invalid_schema_name_is_dropped(tree, tmp_path):
    document = valid()
    document["components"]["schemas"]["A\nimport os"] = {"type": "object", "properties": {"a": {"type": "string"}}}
    another_field("more", {"$ref": "#/components/schemas/A\nimport os"})(document)
    (tmp_path / "hostile.json").write_text(json.dumps(document), "utf-8")
    assert tree.update(tmp_path / "hostile.json") == 10
    made = {name: data for name, data in tree.contents().items() if not name.startswith("sinch_reporting/")}
    assert not [name for name, data in made.items() if b"import os" in data]


# GHSA-5293-mq8x-g3xj and similar cases, without the check of names: what the generator itself makes of them.
@pytest.mark.parametrize(
    "change",
    [
        lambda operation: operation.update({"operationId": f"a{CODE}"}),
        lambda operation: operation["parameters"].append(
            {"name": 'q"]; import os #', "in": "query", "schema": {"type": "string", "default": f"x{CODE}"}}
        ),
        lambda operation: operation["parameters"].append(
            {"name": "q", "in": "query", "schema": {"type": "string", "enum": ["a'", 'b"', "c\nimport os", CODE]}}
        ),
        lambda operation: operation.update({"summary": CODE, "description": CODE, "tags": ["Call Report", CODE]}),
    ],
    ids=["operation-id", "parameter", "enum", "prose"],
)
def test_generator_runs_nothing_even_without_our_checks(change, tree):
    path = tree.root / "openapi/upstream.yaml"
    document = load(path)
    document["paths"]["/extra"] = {
        "get": {"tags": ["Call Report"], "parameters": [], "responses": {"200": {"description": "OK"}}}
    }
    change(document["paths"]["/extra"]["get"])
    path.write_text(yaml.safe_dump(document), "utf-8")
    # It is generated as text, or refused.
    regenerate.main(["--root", str(tree.root)])
    check_code(tree.root / PACKAGE)
    assert not list(tree.root.rglob("PWNED"))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import os\n", "an import of os"),
        ("from subprocess import run\n", "an import of subprocess"),
        ("print(1)\n", "code that runs on import"),
        ("X = open('x')\n", "a call on import"),
        ("class A:\n    x: int = run()\n", "a call on import"),
        ("def f(x=run()):\n    pass\n", "a call on import"),
        ("@run()\ndef f():\n    pass\n", "a call on import"),
        ("def f():\n    return eval('1')\n", "the name eval"),
        ("def f(x):\n    return x.__class__\n", "the name __class__"),
        ("if True:\n    import os\n", "code that runs on import"),
        ("def\n", "is not Python"),
    ],
)
def test_generated_code_that_no_template_writes_is_found(tmp_path, code, why):
    package = tmp_path / "package"
    shutil.copytree(ROOT / PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    check_code(package)
    (package / "models/new.py").write_text(code, "utf-8")
    with pytest.raises(SpecError, match=why):
        check_code(package)
