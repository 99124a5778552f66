"""What SignedAuth signs, the Sandbox's own verifier accepts; whatever is changed on the way, it refuses."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

import httpx
import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from sinch_reporting import SignedAuth
from sinch_reporting.testing._signature import ApiError, Request, Verifier
from tests.property.strategies import more

# No timestamp is too old: what is refused is refused for its signature.
EVER = timedelta.max
NOW = datetime.now(UTC)
WRONG_SIGNATURE, WRONG_KEY = 40102, 40108

keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=":"), min_size=1)
secrets = st.binary(min_size=1, max_size=100)
texts = st.text() | st.text("/%+?#&;:@ \\.\n漢é", max_size=8)
segments = st.lists(texts.map(lambda text: quote(text, safe="+")), min_size=1, max_size=5)
paths = segments.map(lambda parts: "/v1/" + "/".join(parts))
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "get", "M-SEARCH"])
bodies = st.binary()
content_types = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E))
timestamps = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001


def text_of(secret):
    return base64.b64encode(secret).decode()


def verifier(key, secret):
    return Verifier(key, text_of(secret), EVER)


def url(path, query=b""):
    return httpx.URL("https://reporting.invalid").copy_with(raw_path=path.encode() + query)


def signed(key, secret, path, method, body, content_type):
    """Return the request as it arrives."""
    request = httpx.Request(method, url(path, b"?_start=2026-11-01"), content=body)
    request.headers["Content-Type"] = content_type
    flow = SignedAuth(key, secret).sync_auth_flow(request)
    next(flow)
    flow.close()
    raw_path, _, query = request.url.raw_path.decode("ascii").partition("?")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in request.headers.raw}
    return Request(method=request.method, path=raw_path, query=query, headers=headers, body=request.content)


@st.composite
def requests(draw):
    key, secret = draw(keys), draw(secrets)
    text = text_of(secret).rstrip("=") if draw(st.booleans()) else text_of(secret)
    arrived = signed(key, text, draw(paths), draw(methods), draw(bodies), draw(content_types))
    return key, secret, arrived


def with_header(request, name, value):
    return evolve(request, headers={**request.headers, name: value})


def refused(key, secret, request):
    with pytest.raises(ApiError) as caught:
        verifier(key, secret).check(request, NOW)
    return caught.value.code


def sign_and_check(made, change):
    """Check that the request is accepted as it is, and return the code with which it is refused when changed."""
    key, secret, request = made
    verifier(key, secret).check(request, NOW)
    return refused(key, secret, change(request))


@given(made=requests())
@more(1)
def test_whatever_is_signed_is_accepted(made):
    key, secret, request = made
    verifier(key, secret).check(request, NOW)


@given(made=requests(), path=paths)
@more(1)
def test_another_path_is_refused(made, path):
    raw_path = url(path).raw_path.decode()
    assume(unquote(raw_path) != unquote(made[2].path))
    assert sign_and_check(made, lambda request: evolve(request, path=raw_path)) == WRONG_SIGNATURE


@given(made=requests(), body=bodies)
@more(1)
def test_another_body_is_refused(made, body):
    assume(body != made[2].body)
    assert sign_and_check(made, lambda request: evolve(request, body=body)) == WRONG_SIGNATURE


@given(made=requests(), content_type=content_types)
@more(1)
def test_another_content_type_is_refused(made, content_type):
    assume(content_type != made[2].headers["content-type"])
    changed = sign_and_check(made, lambda request: with_header(request, "content-type", content_type))
    assert changed == WRONG_SIGNATURE


@given(made=requests(), moment=timestamps)
@more(1)
def test_another_timestamp_is_refused(made, moment):
    timestamp = f"{moment:%Y-%m-%dT%H:%M:%S}Z"
    assert sign_and_check(made, lambda request: with_header(request, "x-timestamp", timestamp)) == WRONG_SIGNATURE


@given(made=requests(), method=methods.map(str.upper))
@more(1)
def test_another_method_is_refused(made, method):
    assume(method != made[2].method)
    assert sign_and_check(made, lambda request: evolve(request, method=method)) == WRONG_SIGNATURE


def hmac_key(secret):
    """Return what HMAC makes of a secret: long ones are hashed, short ones filled up with zeros."""
    return (hashlib.sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")


@given(made=requests(), secret=secrets)
@more(1)
def test_another_secret_is_refused(made, secret):
    key, rightful, request = made
    assume(hmac_key(secret) != hmac_key(rightful))
    assert refused(key, secret, request) == WRONG_SIGNATURE


@given(made=requests(), key=keys)
@more(1)
def test_another_key_is_refused(made, key):
    rightful, secret, request = made
    assume(key != rightful)
    assert refused(key, secret, request) == WRONG_KEY
