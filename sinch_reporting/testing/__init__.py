"""A local Sinch Reporting API for tests: the real protocol on a real socket, with constant data.

Install it with the extra `testing`. In a test::

    from sinch_reporting.testing import Sandbox

    with Sandbox() as sandbox:
        sandbox.set_service("rtpproxy", "down")
        with sandbox.client() as reporting:
            assert not reporting.get_service_status("rtpproxy").is_up
        assert sandbox.requests[-1].path == "/v1/services/rtpproxy"

With pytest, the fixture `sinch_sandbox` is such a Sandbox. `sinch_reporting.testing.faults` has the errors
to simulate::

    sandbox.fail_next(faults.Status(503, retry_after=1), faults.ConnectionReset())

From a shell, for programs in any language::

    python -m sinch_reporting.testing --service rtpproxy=down --fault 503 --fault connection-reset
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinch_reporting.testing._api import ReceivedRequest
    from sinch_reporting.testing._sandbox import Sandbox
else:

    def __getattr__(name: str) -> object:
        # Imported late, so that pytest can load its plugin without the server and its packages.
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            from sinch_reporting.testing import _api, _sandbox  # noqa: PLC0415
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] in {"starlette", "uvicorn"}:
                message = "the Sandbox needs the extra `testing`: pip install 'sinch-reporting[testing]'"
                raise ModuleNotFoundError(message, name=error.name) from error
            raise
        return _api.ReceivedRequest if name == "ReceivedRequest" else _sandbox.Sandbox


__all__ = ["ReceivedRequest", "Sandbox"]
