"""Requests to a Sandbox without the client, signed by a few lines of the tests' own."""

import base64
import hashlib
import hmac
import http.client
import json
import socket
from urllib.parse import unquote, urlsplit

import attrs

KEY = "5F5C418A0F914BBC8234A9BF5EDDAD97"
SECRET = "JViE5vDor0Sw3WllZka15Q=="
STAMP = "2026-11-20T12:00:30Z"
SERVICE = "/v1/services/rtpproxy"


@attrs.frozen
class Received:
    status: int
    headers: http.client.HTTPMessage
    json: dict


def basic(key=KEY, secret=SECRET):
    return {"authorization": "Basic " + base64.b64encode(f"{key}:{secret}".encode()).decode()}


def signed(target, *, verb="GET", key=KEY, secret=SECRET, stamp=STAMP, content_type="application/json", body=b""):
    md5 = base64.b64encode(hashlib.md5(body).digest()).decode() if body else ""
    path = unquote(target.partition("?")[0])
    text = f"{verb}\n{md5}\n{content_type or ''}\nx-timestamp:{stamp}\n{path}"
    signature = base64.b64encode(hmac.digest(base64.b64decode(secret + "=="), text.encode(), "sha256")).decode()
    headers = {"authorization": f"Application {key}:{signature}", "x-timestamp": stamp}
    return headers | ({"content-type": content_type} if content_type else {})


def request(sandbox, target=SERVICE, headers=None, *, verb="GET", body=None):
    """Send the target exactly as it is written, on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=10)
    try:
        connection.request(verb, target, body, basic() if headers is None else headers)
        response = connection.getresponse()
        return Received(response.status, response.headers, json.loads(response.read() or b"{}"))
    finally:
        connection.close()


def connect(sandbox):
    address = urlsplit(sandbox.url)
    return socket.create_connection((address.hostname, address.port), timeout=10)


def send(connection, *, close=False):
    end = "Connection: close\r\n" if close else ""
    head = f"GET {SERVICE} HTTP/1.1\r\nHost: x\r\nAuthorization: {basic()['authorization']}\r\n{end}\r\n"
    connection.sendall(head.encode())


def receive(connection, until=None):
    """Return the bytes that arrive until they contain `until`, and the state: "closed", "reset" or "open"."""
    received = b""
    try:
        while until is None or until not in received:
            piece = connection.recv(65536)
            if not piece:
                return received, "closed"
            received += piece
    except ConnectionResetError:
        return received, "reset"
    return received, "open"


def exchange(sandbox, *, close=False):
    """Return the bytes of one response, and the state of its connection afterwards."""
    with connect(sandbox) as connection:
        send(connection, close=close)
        return receive(connection)
