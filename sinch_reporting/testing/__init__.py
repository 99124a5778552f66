"""A local Sinch Reporting API for tests: the real protocol on a real socket, with data that never changes.

Install it with the extra `testing`. In a test::

    from sinch_reporting.testing import Sandbox

    with Sandbox() as sandbox:
        sandbox.set_service("rtpproxy", "down")
        with sandbox.client() as reporting:
            assert not reporting.get_service_status("rtpproxy").is_up
        assert sandbox.requests[-1].path == "/v1/services/rtpproxy"

With pytest, the fixture `sinch_sandbox` is such a Sandbox. `sinch_reporting.testing.faults` holds what can go wrong::

    sandbox.fail_next(faults.Status(503, retry_after=1), faults.ConnectionReset())

From a shell, for any program and any language::

    python -m sinch_reporting.testing --service rtpproxy=down --fault 503 --fault reset
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinch_reporting.testing._app import ReceivedRequest
    from sinch_reporting.testing._sandbox import Sandbox
else:

    def __getattr__(name: str) -> object:
        # Late, so that pytest can load its plugin without the server and its packages.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            from sinch_reporting.testing import _app, _sandbox  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] in {"starlette", "uvicorn"}:
                message = "the Sandbox needs the extra `testing`: pip install 'sinch-reporting[testing]'"
                raise ModuleNotFoundError(message, name=error.name) from error
            raise
        return _app.ReceivedRequest if name == "ReceivedRequest" else _sandbox.Sandbox


__all__ = ["ReceivedRequest", "Sandbox"]
