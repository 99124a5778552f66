"""Responses of every kind, from any bytes to nearly what the contract promises."""

import gzip
import json
import zlib

from hypothesis import settings
from hypothesis import strategies as st

from tests.property.cases import DIGITS, KEY, NUMBER, SECRET
from tests.property.server import AUTHORIZATION, SIGNATURE

UUID = "3d9a5e8e-6f2b-4b7c-9c1e-1f0a3c5d7e90"
FIELDS = [
    "success",
    "failed",
    "duration",
    "start",
    "value",
    "modified",
    "status",
    "errorCode",
    "code",
    "message",
    "reference",
    "response",
    "error",
]


def more(factor: float) -> settings:
    """Return settings for so many times the profile's examples."""
    return settings(max_examples=round(settings().max_examples * factor))


# What must never be said, in the forms in which a server might say it.
echoes = st.sampled_from(
    [NUMBER, DIGITS, f"%2B{DIGITS}", f"00{DIGITS}", KEY, SECRET, AUTHORIZATION.decode(), SIGNATURE.decode()]
)
words = st.lists(echoes | st.text(max_size=5) | st.sampled_from([" ", "\x1b[31m", "\u200b", "***", UUID]), max_size=6)
any_text = st.text() | words.map("".join)

moments = st.sampled_from(
    [
        "2022-04-28T12:00:00Z",
        "2022-04-28T12:00:00.123456789+02:00",
        "20220428T1200Z",
        "2022-W17-4T12Z",
        "2022-04-28T24:00:00Z",
        "2022-04-28T12:00:00",
        "2022-04-28",
        "2022",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T24:00Z",
        "2022-04-28T12:00:00+99:99",
        "2022-04-28T12:00:60Z",
        "٢٠٢٢-04-28T12:00:00Z",
        "\ud800",
        "",
    ]
) | st.datetimes(timezones=st.none() | st.timezones(), allow_imaginary=False).map(lambda moment: moment.isoformat())
codes = st.sampled_from([40400, 50300, 42900, 40101, 59999, 20000, 404, 404000]) | st.integers(40000, 59999)

# Rendered at once, since not everything that comes over the wire has a Python value that is rendered so.
numbers = (
    st.integers().map(str)
    | st.integers(0, 2**64).map(str)
    | st.floats().map(json.dumps)
    | st.sampled_from(["-0", "0.0", "1e400", "1E5", "3.0", "9223372036854775807", "9223372036854775808", "9.2e18"])
    | st.integers(1, 5000).map(lambda digits: "7" * digits)
)
rendered_text = st.builds(
    lambda text, ascii_only: json.dumps(text, ensure_ascii=ascii_only), any_text | moments, st.booleans()
) | st.sampled_from([r'"\ud800"', r'"\udfff\ud800"', r'"\u0000"', '"\x00"', r'"\x"', '"up"', '"down"', '"'])
scalars = (
    st.sampled_from(["null", "true", "false", "NaN", "Infinity", "-Infinity", ""])
    | numbers
    | rendered_text
    | codes.map(str)
    | codes.map(lambda code: f'"{code}"')
)
names = st.sampled_from(FIELDS) | any_text


def _rendered_object(pairs):
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in pairs) + "}"


def _containers(values):
    return (
        st.lists(values, max_size=4).map(lambda items: "[" + ", ".join(items) + "]")
        | st.lists(st.tuples(names, values), max_size=4).map(_rendered_object)
        | st.tuples(st.sampled_from(["error", "response"]), values).map(lambda pair: _rendered_object([pair]))
    )


deep = st.builds(
    lambda depth, opening, value: opening * depth + value + ("]" * depth if opening == "[" else "}" * depth),
    st.integers(1, 2000) | st.just(100_000),
    st.sampled_from(["[", '{"response": ', '{"error":', '{"value":']),
    scalars,
)
any_json = st.recursive(scalars, _containers, max_leaves=12) | deep

counts = st.integers(0, 10**6).map(str) | numbers
report_like = {"success": counts, "failed": counts, "duration": counts, "start": moments.map(json.dumps)}
counter_like = {"value": counts, "modified": moments.map(json.dumps)}
service_like = {"status": rendered_text}
said = words.map("".join).map(json.dumps)
error_like = {
    "errorCode": codes.map(str) | codes.map(lambda code: f'"{code}"'),
    "message": said | rendered_text,
    "reference": said | rendered_text | st.just(f'"{UUID}"'),
}


@st.composite
def near_objects(draw):
    """Objects that are what the contract promises, but for a few fields: changed, missing, twice or unknown."""
    likeness = draw(st.sampled_from([report_like, counter_like, service_like, error_like, error_like]))
    pairs = [(name, draw(value)) for name, value in likeness.items()]
    pairs += draw(st.lists(st.tuples(names, any_json), max_size=2))
    if draw(st.booleans()):
        pairs = draw(st.permutations(pairs))[draw(st.integers(0, 1)) :]
    rendered = _rendered_object(pairs)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        rendered = _rendered_object([(draw(st.sampled_from(["error", "response"])), rendered)])
    return rendered


json_bodies = st.builds(
    lambda text, encoding: text.encode(encoding, "surrogatepass"),
    near_objects() | any_json,
    st.sampled_from(["utf-8"] * 8 + ["utf-8-sig", "utf-16", "utf-32-le"]),
)

fragments = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 404 Not Found\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/2 200\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"Content-Length: 48\r\n",
        b"Content-Length: -1\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Retry-After: 2\r\n",
        b" folded\r\n",
        b"\r\n",
        b"\n",
        b"\x00",
        b"5\r\n",
        b"0\r\n\r\n",
        b"fffffffffffffffffffff\r\n",
        b'{"value": 7, "modified": "2022-04-28T12:00:00Z"}',
        b"\x16\x03\x01\x02\x00\x01",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]
)
oversized = st.integers(65_000, 1_200_000).map(lambda size: b"a" * size)
raw_responses = st.lists(fragments | oversized | st.binary(max_size=30) | echoes.map(str.encode), max_size=12).map(
    b"".join
)

_http_dates = st.sampled_from(
    [
        "Thu, 28 Apr 2022 12:00:30 GMT",
        "Thu, 28 Apr 2022 12:00:30 -0000",
        "Thu, 28 Apr 2022 12:00:30 +9999",
        "Thu, 28-Apr-22 12:00:30 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Mon, 01 Jan 0001 00:00:00 +2359",
        "Thu, 28 Apr 99999 12:00:30 GMT",
        "Thu, 28 Apr 2022 12:00:60 GMT",
        "Thu, 28 Apr 2022 99:99:99 GMT",
        "Thu Apr 28 12:00:30 2022",
        "28 Apr 2022",
        "Thu,",
        ",",
        ":",
        "Thu, 28 Apr 2022 12.00.30.40 GMT",
        "0 Jan 0 0:0 +",
    ]
)
_values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=20) | echoes
_known_headers = {
    "Retry-After": st.integers().map(str) | st.sampled_from(["1.5", "1e3", "9" * 30, "²", "1, 2", "+1"]) | _http_dates,
    "Date": _http_dates,
    "Age": st.sampled_from(["0", "-1", "x"]),
    "Content-Encoding": st.sampled_from(
        ["gzip", "GZIP", "x-gzip", "deflate", "br", "zstd", "identity", "", "gzip, gzip"]
    ),
    "Content-Length": st.integers(-2, 2000).map(str) | st.sampled_from(["9" * 30, "1, 1", "0x5", "²"]),
    "Transfer-Encoding": st.sampled_from(["chunked", "CHUNKED", "identity", "gzip", "gzip, chunked", "x"]),
    "Location": st.sampled_from(["/", "//[", "http://[::", f"https://example.invalid/{DIGITS}", "\u00ff"]),
    "Set-Cookie": st.sampled_from(["a=b", "=", ";;", "a=b; Max-Age=x; Expires=x", "a=b; Domain=[::]"]),
    "Content-Type": st.sampled_from(
        ["application/json", "text/html; charset=x", "application/json; charset=utf-16", ";"]
    ),
    "Connection": st.sampled_from(["close", "keep-alive", "upgrade", ","]),
    "Upgrade": st.sampled_from(["h2c", "websocket"]),
}
_tokens = st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1, max_size=12)
headers = st.lists(
    st.sampled_from(sorted(_known_headers)).flatmap(
        lambda name: st.tuples(st.just(name), _known_headers[name] | _values)
    )
    | st.tuples(_tokens, _values),
    max_size=5,
)
statuses = st.sampled_from([200, 200, 200, 400, 401, 401, 403, 404, 429, 500, 503, 520]) | st.integers(100, 999)
bodies = json_bodies | st.binary() | raw_responses
packed_bodies = bodies.flatmap(
    lambda body: st.sampled_from([body, body, body, gzip.compress(body, mtime=0), zlib.compress(body)])
)


@st.composite
def responses(draw, status=statuses, headers=headers, body=packed_bodies):
    """Well-formed responses, except that some headers lie about the body."""
    content = draw(body)
    pairs = draw(headers)
    if draw(st.booleans()):
        pairs.append(("Content-Length", str(len(content))))
    lines = [f"HTTP/1.1 {draw(status)} Whatever", *(f"{name}: {value}" for name, value in pairs)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + content


json_responses = responses(status=st.just(200), headers=st.just([]).map(list), body=json_bodies)
any_response = raw_responses | responses() | json_responses
