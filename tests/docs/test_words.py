import pytest

from scripts.docs import words


def found(text, suffix):
    return [(line, word) for line, word, _ in words.findings(text, suffix)]


@pytest.mark.parametrize(
    "text",
    [
        "The server's answer is read.",
        "Where there is a proxy, it is used.",
        "A request is signed anew.",
        "Kept for ever.",
        "It is no number.",
        "That is none.",
        "So many seconds.",
        "Unless told otherwise.",
        "The line is set\naside.",
    ],
)
def test_a_refused_word_is_found_in_every_kind_of_text(text):
    wrapped = text.replace("\n", "\n# ")
    assert len(found(text, ".md")) == 1
    assert len(found(f'"""{text}"""\n', ".py")) == 1
    assert len(found(f"# {wrapped}\n", ".py")) == 1
    assert len(found(f"#!/bin/sh\n# {wrapped}\n", "")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "The answer-seizure ratio is 0.7.",
        "39 calls were answered, 15 were not.",
        "The error is None, and there is no response.",
        "The deadline is no longer needed.",
        "Use it anywhere. Recommend and amend it.",
    ],
)
def test_a_term_of_the_field_is_not_found(text):
    assert found(text, ".md") == []
    assert found(f"# {text}\n", ".py") == []


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("Text.\n\n```python\nanswer = 1  # anew\n```\n", ".md"),
        ("Text.\n\n    answer = 1\n", ".md"),
        ("See `answer` and [this](answer.md).\n", ".md"),
        ("answer = mend(told)\n", ".py"),
        ('x = f"{answer} seconds"\n', ".py"),
        ("answer=1\n", ""),
    ],
)
def test_code_is_not_prose(text, suffix):
    assert found(text, suffix) == []


def test_the_line_of_a_finding_is_that_of_the_file():
    lines = ["x = 1", '"""Return it.', "", "Where it is absent.", '"""', 'raise E("signed "', '        "anew")', ""]
    text = "\n".join(lines)
    assert found(text, ".py") == [(4, "Where it"), (7, "anew")]


def test_a_phrase_is_found_across_adjacent_strings():
    assert found('x = (\n    "it is "\n    "no answer"\n)\n', ".py") == [(2, "is no"), (3, "answer")]
