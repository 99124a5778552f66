import base64
import unicodedata
from urllib.parse import quote

import httpx
import pytest

from sinch_reporting._redaction import MAX_LENGTH, is_reference, redact, route_of

KEY, SIGNATURE = "5F5C418A0F914BBC8234A9BF5EDDAD97", "c2lnbmF0dXJl"
UUID = "3d9a5e8e-6f2b-4b7c-9c1e-1f0a3c5d7e90"


def request(endpoint="+46730170101", kind="number", authorization=f"Application {KEY}:{SIGNATURE}"):
    path = f"/v1/users/{kind}/{quote(endpoint, safe='+')}/calls/pstn"
    return httpx.Request("GET", f"https://h.example{path}", headers={"Authorization": authorization})


@pytest.mark.parametrize(
    "text",
    [
        "+46730170101",
        "46730170101",
        "0046730170101",
        "%2B46730170101",
        "%2b46730170101",
        "%252B46730170101",
        "&#43;46730170101",
        r"\u002b46730170101",
        "+46 730 17 01 01",
        "+46-730-170101",
        "+46.730.170101",
        "+46 (0)730 / 170 101",
        "(073) 017-0101",
        "+46\u00a0730\u2011170101",
        "+46\u202f730\u2009170\t101",
        "+46\u2212730\u2212170101",
        "&#x34;&#54;730170101",
        "%34%36730170101",
        "46700000000",
        "1234567",
    ],
)
def test_phone_numbers_are_removed_in_every_spelling(text):
    assert redact(f"no user {text} here", request(kind="username", endpoint="x")) == "no user *** here"


@pytest.mark.parametrize(
    "text", ["2022-04-28", "2022-04-28 to 2022-04-29", "error 40400", "in 30 s", "123456", "v1.2.3", "10 of 20"]
)
def test_other_numbers_stay(text):
    assert redact(text, request()) == text


@pytest.mark.parametrize(
    ("username", "spellings"),
    [
        (
            "Anna-Maria/x",
            ["Anna-Maria/x", "anna-maria/X", "ANNA-MARIA/X", "Anna-Maria%2Fx", "anna-maria%2fx", r"Anna-Maria\/x"],
        ),
        ("a&b<c>", ["a&b<c>", "a&amp;b&lt;c&gt;", r"a\u0026b\u003cc\u003e", "a%26b%3Cc%3E"]),
        ('say "hi"', ['say "hi"', r"say \"hi\"", "say &quot;hi&quot;", "say%20%22hi%22"]),
        (
            "Zoë",
            ["Zoë", "zoë", "ZOË", unicodedata.normalize("NFD", "Zoë"), "Zo&euml;", r"Zo\u00eb", "Zo%C3%AB"],
        ),
        (unicodedata.normalize("NFD", "Zoë"), ["Zoë", unicodedata.normalize("NFD", "zoë")]),
        ("Jan Weiß", ["Jan Weiß", "JAN WEISS", "jan weiss", "Jan+Wei%C3%9F", "Jan\u00a0Weiß"]),
        ("😀joe", ["😀joe", r"\ud83d\ude00joe"]),
        (r"corp\nina", [r"corp\nina", r"corp\\nina", "corp%5Cnina"]),
        (UUID, [UUID, UUID.upper()]),
    ],
)
def test_the_username_is_removed_in_every_spelling(username, spellings):
    for spelling in spellings:
        text = redact(f"no user [{spelling}] here", request(username, "username"))
        assert text == "no user [***] here", spelling


def test_credentials_are_removed():
    basic = base64.b64encode(b"the-key:the-secret").decode()
    assert redact(f"{KEY} {SIGNATURE} {KEY}:{SIGNATURE} Application {KEY}:{SIGNATURE}", request()) == "*** *** *** ***"
    found = redact(f"the-key the-secret {basic} Basic {basic}", request(authorization=f"Basic {basic}"))
    assert found == "*** *** *** ***"
    assert redact("x SECRET y c2VjcmV0", request(), lambda: ("secret", "c2VjcmV0==")) == "x *** y ***"
    assert redact("the-key", request(authorization="Basic not-Base64!")) == "the-key"


def test_control_characters_become_spaces_and_long_texts_are_shortened():
    assert redact(" a\x1b[31m\n\n b\u202ec ", request()) == "a [31m b c"
    assert redact(r"'GET\n\napplication/json'", request()) == "'GET application/json'"
    assert len(redact("x" * 10**6, request())) == MAX_LENGTH


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (UUID, True),
        (UUID.upper(), True),
        ("12345678-0000-4000-8000-123456789012", True),
        (f"{UUID}x", False),
        ("46730170101", False),
        ("", False),
    ],
)
def test_a_reference_is_a_uuid(text, expected):
    assert is_reference(text, request()) is expected


@pytest.mark.parametrize("username", [UUID, UUID.upper()])
def test_a_username_that_is_a_uuid_is_not_a_reference(username):
    assert not is_reference(UUID, request(username, "username"))
    assert redact(UUID, request(username, "username")) == "***"


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/users/number/+46730170101/calls/pstn?_start=x", "/users/{type}/{endpoint}/calls/{domain}"),
        ("/users/username/a%2Fb/calls/data", "/users/{type}/{endpoint}/calls/{domain}"),
        ("/a/b/counters/x", "/counters/{id}"),
        ("/v1/services/", "/services/{id}"),
        ("/v1/counters/a/b", "(unknown route)"),
        ("/", "(unknown route)"),
    ],
)
def test_the_route_of_a_url(path, route):
    assert route_of(httpx.URL(f"https://h.example{path}")) == route
