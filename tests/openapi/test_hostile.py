"""A document is hostile until proven otherwise."""

import ast
import copy
import json
import shutil

import pytest
import yaml

from scripts.lib import regenerate
from scripts.lib.regenerate import PACKAGE, ROOT, load
from scripts.lib.spec import SpecError, parse
from scripts.lib.spec.screen import screen
from tests.spec.conftest import DOCUMENTS

CODE = '"""\nimport os; os.system("touch PWNED")\n"""'
REPORT = "/users/{type}/{endpoint}/calls/{domain}"


def sound():
    return parse.parse((DOCUMENTS / "mended.yaml").read_bytes())


def refused(tree, tmp_path, capsys, data):
    """Update from the bytes, see that nothing has changed, and return the reason."""
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


def another_path(path):
    return lambda document: document["paths"].update({path: copy.deepcopy(document["paths"]["/services/{id}"])})


REFUSED = {
    "operation-id": (in_operation("operationId", f"a{CODE}"), "an operation id"),
    "path": (another_path('/a"; import os #'), "a path"),
    "path-parameter": (another_path("/a/{x.__class__}/{y!r}"), "a path"),
    "parameter-name": (another_parameter(name='q"]; import os #'), "the name of a parameter"),
    "parameter-default": (
        another_parameter(name="q", schema={"type": "string", "default": 'x"; import os'}),
        "a default or one of a set",
    ),
    "enum-value": (
        another_parameter(name="q", schema={"type": "string", "enum": ["a", "b\nimport os"]}),
        "a default or one of a set",
    ),
    "const": (another_field("c", {"type": "string", "const": "y'''"}), "a default or one of a set"),
    "default-of-a-list": (in_field("default", {"a": CODE}), "a default or one of a set"),
    "field-name": (another_field('x"\nimport os', {"type": "string"}), "the name of a field"),
    "title": (in_field("title", CODE), "the title of a schema"),
    "format": (in_field("format", CODE), "the format of a schema"),
    "media-type": (
        lambda document: document["paths"]["/counters/{id}"]["get"]["responses"]["200"].update(
            {"content": {'application/json"; import os': {}}}
        ),
        "matches nothing|a media type",
    ),
    "status": (
        lambda document: document["paths"]["/counters/{id}"]["get"]["responses"].update({CODE: {"description": "x"}}),
        "the status of an answer",
    ),
    "server": (lambda document: document["servers"][0].update({"url": 'https://a"; import os'}), "the URL of a server"),
    "version": (lambda document: document["info"].update({"version": f"1 {CODE}"}), "a version"),
    "remote-reference": (
        in_parameter("schema", {"$ref": "https://example.com/a.yaml#/b"}),
        "leads out of the document",
    ),
    "file-reference": (in_parameter("schema", {"$ref": "../../secrets.yaml"}), "leads out of the document"),
    "remote-parameter": (
        lambda document: document["paths"]["/counters/{id}"]["get"].update(
            {"parameters": [{"$ref": "file:///etc/passwd"}]}
        ),
        "leads out of the document",
    ),
    "remote-discriminator": (
        lambda document: document["components"]["schemas"]["Counter"].update(
            {"discriminator": {"propertyName": "modified", "mapping": {"a": "https://example.com/a.yaml"}}}
        ),
        "a discriminator maps to something else",
    ),
    "schema-id": (in_field("$id", "https://example.com/"), "could lead out of the document"),
    "dynamic-reference": (in_field("$dynamicRef", "https://example.com/#a"), "could lead out of the document"),
    "dangling-reference": (in_parameter("schema", {"$ref": "#/components/schemas/None"}), "points to nothing"),
    "reference-to-itself": (
        lambda document: (
            document["components"].update({"parameters": {"A": {"$ref": "#/components/parameters/A"}}}),
            document["paths"]["/counters/{id}"]["get"].update({"parameters": [{"$ref": "#/components/parameters/A"}]}),
        ),
        "leads to itself",
    ),
    "long-text": (in_operation("description", "x" * 20_001), "longer than"),
    "odd-shape": (in_operation("responses", ["200"]), "not a mapping"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_document_is_refused_and_changes_nothing(name, tree, tmp_path, capsys):
    change, reason = REFUSED[name]
    document = sound()
    change(document)
    error = refused(tree, tmp_path, capsys, json.dumps(document).encode())
    assert [part for part in reason.split("|") if part in error], error
    assert not list(tree.root.rglob("PWNED"))


BOMBS = {
    "aliases": (
        b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)),
        "those behind aliases counted",
    ),
    "merge-keys": (b"a: &a {x: 1}\nb: {<<: [*a, *a]}\n", "merge key"),
    "alias-to-itself": (b"a: &a [*a]\n", "levels deep"),
    "depth-of-yaml": (b"a: " + b"[" * 5000 + b"]" * 5000, "levels deep"),
    "depth-of-json": (b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "levels deep"),
    "values": (b"a: [" + b"1," * 200_001 + b"]", "values"),
    "python-object": (b"a: !!python/object/apply:os.system [touch PWNED]\n", "neither YAML nor JSON"),
    "digits": (b"a: " + b"9" * 5000, "neither YAML nor JSON"),
    "no-number": (b'{"a": NaN}', "no number of JSON"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_changes_nothing(name, tree, tmp_path, capsys):
    data, reason = BOMBS[name]
    assert reason in refused(tree, tmp_path, capsys, data)


def test_code_in_descriptions_and_examples_stays_text(tree, tmp_path):
    document = sound()
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
    screen(tree.root / PACKAGE)


def test_a_schema_whose_name_is_none_loses_it(tree, tmp_path):
    document = sound()
    document["components"]["schemas"]["A\nimport os"] = {"type": "object", "properties": {"a": {"type": "string"}}}
    another_field("more", {"$ref": "#/components/schemas/A\nimport os"})(document)
    (tmp_path / "hostile.json").write_text(json.dumps(document), "utf-8")
    assert tree.update(tmp_path / "hostile.json") == 10
    made = {name: data for name, data in tree.contents().items() if not name.startswith("sinch_reporting/")}
    assert not [name for name, data in made.items() if b"import os" in data]


# The hole of GHSA-5293-mq8x-g3xj and its like, past the check of names: what the generator makes of them by itself.
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
def test_the_generator_runs_nothing_even_where_no_check_of_ours_came_before(change, tree):
    path = tree.root / "openapi/upstream.yaml"
    document = load(path)
    document["paths"]["/extra"] = {
        "get": {"tags": ["Call Report"], "parameters": [], "responses": {"200": {"description": "OK"}}}
    }
    change(document["paths"]["/extra"]["get"])
    path.write_text(yaml.safe_dump(document), "utf-8")
    # It is generated as text, or refused.
    regenerate.main(["--root", str(tree.root)])
    screen(tree.root / PACKAGE)
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
        ("def f(x):\n    return x.__class__\n", "the attribute __class__"),
        ("if True:\n    import os\n", "code that runs on import"),
        ("def\n", "is not Python"),
    ],
)
def test_generated_code_that_no_template_writes_is_found(tmp_path, code, why):
    package = tmp_path / "package"
    shutil.copytree(ROOT / PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    screen(package)
    (package / "models/new.py").write_text(code, "utf-8")
    with pytest.raises(SpecError, match=why):
        screen(package)
