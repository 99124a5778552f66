"""A local Sinch Reporting API for tests: the real protocol on a real socket, with data that never changes.

Install it with the extra `testing`. In a test::

    from sinch_reporting.testing import Sandbox

    with Sandbox() as sandbox:
        sandbox.set_service("rtpproxy", "down")
        with sandbox.client() as reporting:
            assert not reporting.get_service_status("rtpproxy").is_up
        assert sandbox.requests[-1].path == "/v1/services/rtpproxy"

From a shell, for any program and any language::

    python -m sinch_reporting.testing --service rtpproxy=down
"""

from sinch_reporting.testing._app import ReceivedRequest
from sinch_reporting.testing._sandbox import Sandbox

__all__ = ["ReceivedRequest", "Sandbox"]
