"""Export of call reports to files, for any number of endpoints, days and domains.

Install it with the extra `export`::

    from sinch_reporting.export import export_call_reports, read_endpoints

    with ReportingClient() as reporting:
        summary = export_call_reports(
            reporting, read_endpoints("numbers.csv"), "calls", start=date(2026, 11, 1), stop=date(2026, 11, 20)
        )
"""

try:
    import pyarrow as _  # noqa: F401, ICN001
except ModuleNotFoundError as error:
    message = "the export needs the extra `export`: pip install 'sinch-reporting[export]'"
    raise ModuleNotFoundError(message, name=error.name) from error

from sinch_reporting.export.endpoint_check import RejectedLine
from sinch_reporting.export.export import export_call_reports
from sinch_reporting.export.job import PausePolicy
from sinch_reporting.export.readers import read_endpoints
from sinch_reporting.export.summary import ExportProgress, ExportSummary
from sinch_reporting.export.table import call_reports_table

__all__ = [
    "ExportProgress",
    "ExportSummary",
    "PausePolicy",
    "RejectedLine",
    "call_reports_table",
    "export_call_reports",
    "read_endpoints",
]
