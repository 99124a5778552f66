"""Reports of any number of endpoints, written to files; an export that was stopped or killed can go on.

Install it with the extra `export`::

    from sinch_reporting.export import export_call_reports, read_endpoints

    with ReportingClient() as reporting:
        summary = export_call_reports(
            reporting, read_endpoints("numbers.csv"), "reports/", start=date(2026, 11, 1), stop=date(2026, 11, 20)
        )
"""

try:
    import pyarrow as _  # noqa: F401, ICN001
except ModuleNotFoundError as error:
    message = "the export needs the extra `export`: pip install 'sinch-reporting[export]'"
    raise ModuleNotFoundError(message, name=error.name) from error

from sinch_reporting.export.export import export_call_reports
from sinch_reporting.export.inputs import read_endpoints
from sinch_reporting.export.lines import RejectedLine
from sinch_reporting.export.summary import ExportProgress, ExportSummary

__all__ = ["ExportProgress", "ExportSummary", "RejectedLine", "export_call_reports", "read_endpoints"]
