"""Call reports as an Arrow table."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pyarrow as pa

from sinch_reporting.bulk import CallReportOutcome, DailyCallReport
from sinch_reporting.export.writers import REPORTS
from sinch_reporting.models import CallReport
from sinch_reporting.parameters import Number

_SECOND = timedelta(seconds=1)
_COLUMNS = REPORTS.get_field_index("first_call") + 1
_ERROR = pa.field("error", pa.string(), metadata={"description": "why there is no report; null if there is one"})
TABLE = pa.schema([*(field.with_nullable(True) for field in list(REPORTS)[:_COLUMNS]), _ERROR])


def call_reports_table(outcomes: "Iterable[CallReport | CallReportOutcome | DailyCallReport]") -> "pa.Table":
    """Return call reports as an Arrow table, one row for each, with the names and types of an export.

    A failure is a row too: its counts are null, and its column `error` contains the message.

    Args:
        outcomes: What `iter_call_reports` or `daily_call_reports` yields, or call reports.
    """
    return pa.Table.from_pylist([_row(outcome) for outcome in outcomes], schema=TABLE)


def _row(outcome: CallReport | CallReportOutcome | DailyCallReport) -> dict[str, Any]:
    if not isinstance(outcome, CallReport) and outcome.error is not None:
        endpoint = getattr(outcome, "endpoint", None)
        day = getattr(outcome, "day", None)
        return {**_endpoint(endpoint), "period_start": day, "period_stop": day, "error": str(outcome.error)}
    report = outcome if isinstance(outcome, CallReport) else outcome.report
    return {
        **_endpoint(report.endpoint),
        "domain": report.domain.value,
        "period_start": report.period_start,
        "period_stop": report.period_stop,
        "success": report.success,
        "failed": report.failed,
        "duration": report.duration // _SECOND,
        "first_call": report.first_call,
    }


def _endpoint(endpoint: Any) -> dict[str, str | None]:
    if endpoint is None:
        return {"endpoint": None, "type": None}
    return {"endpoint": endpoint.value, "type": "number" if isinstance(endpoint, Number) else "username"}
