"""The adapters that sign requests of other HTTP libraries. The Sandbox verifies signatures on its own."""

import asyncio
import os
import runpy
import subprocess
import sys
from pathlib import Path

import aiohttp
import httpx2
import pytest
import requests

EXAMPLES = Path(__file__).resolve().parents[2] / "docs/examples"
PROGRAMS = ["signing_httpx2.py", "signing_aiohttp.py", "signing_requests.py"]
PATHS = [
    "/users/number/+46730170101/calls/pstn?_start=2026-11-01&_stop=2026-11-20",
    "/users/username/an%20na/calls/data",
]
HEADERS = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def account(sandbox, monkeypatch):
    monkeypatch.setenv("SINCH_REPORTING_URL", sandbox.url)
    monkeypatch.setenv("SINCH_APPLICATION_KEY", sandbox.application_key)
    monkeypatch.setenv("SINCH_APPLICATION_SECRET", sandbox.application_secret)
    sandbox.set_counter("currentCalls", 842)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_program_prints_a_counter(program):
    ran = subprocess.run([sys.executable, EXAMPLES / program], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("842\n", "")


@pytest.mark.parametrize("path", PATHS)
def test_every_path_is_signed_as_it_is_sent(sandbox, path):
    url = sandbox.url + path
    example = {program: runpy.run_path(str(EXAMPLES / program)) for program in PROGRAMS}

    async def get_with_aiohttp():
        middlewares = [example["signing_aiohttp.py"]["sign_request"]]
        async with (
            aiohttp.ClientSession(middlewares=middlewares, headers=HEADERS) as session,
            session.get(url) as response,
        ):
            return response.status

    statuses = [
        httpx2.get(url, auth=example["signing_httpx2.py"]["SinchAuth"](), headers=HEADERS).status_code,
        requests.get(url, auth=example["signing_requests.py"]["SinchAuth"](), headers=HEADERS, timeout=30).status_code,
        asyncio.run(get_with_aiohttp()),
    ]
    assert statuses == [200, 200, 200]
    assert len(sandbox.requests) == 3
    assert os.environ["SINCH_APPLICATION_SECRET"] not in str(sandbox.requests)
