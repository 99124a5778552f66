"""Add a breadcrumb for each attempt to the errors that Sentry captures."""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.httpx import HttpxIntegration

from sinch_reporting import Attempt, ReportingClient, ReportingError


def add_breadcrumb(attempt: Attempt) -> None:
    """Add a breadcrumb."""
    message = f"{attempt.method} {attempt.route} {attempt.outcome}"
    sentry_sdk.add_breadcrumb(category="sinch_reporting", message=message)


def print_event(event: Any, _hint: Any) -> None:
    """Print an event instead of sending it; your program omits `before_send`."""
    print(event["exception"]["values"][-1]["type"])
    print([breadcrumb["message"] for breadcrumb in event["breadcrumbs"]["values"]])


sentry_sdk.init(disabled_integrations=[HttpxIntegration()], before_send=print_event)

with ReportingClient(on_attempt=add_breadcrumb) as reporting:
    try:
        reporting.get_counter("unknown")
    except ReportingError as error:
        sentry_sdk.capture_exception(error)
