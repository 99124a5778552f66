"""Load the complete days of an export into DuckDB with dlt; a second run changes nothing."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dlt
import pyarrow.parquet

from sinch_reporting.export import export_call_reports
from sinch_reporting.testing import Sandbox

with Sandbox() as sandbox, sandbox.client() as reporting:
    export_call_reports(
        reporting, ["+46730170101", "+46730170102"], "lake2", start=date(2026, 11, 1), stop=date(2026, 11, 1)
    )

dlt.config["runtime.dlthub_telemetry"] = False


@dlt.resource(
    name="call_reports",
    write_disposition="merge",
    primary_key=("endpoint", "type", "domain", "period_start", "period_stop"),
)
def complete_days(lake: str) -> Iterator[pyarrow.Table]:
    """Yield the reports of each complete day."""
    for success in sorted(Path(lake).glob("reports/*/_SUCCESS")):
        yield pyarrow.parquet.ParquetFile(success.with_name("part-0.parquet")).read()


pipeline = dlt.pipeline("sinch", destination=dlt.destinations.duckdb("calls.duckdb"), pipelines_dir=".dlt-pipelines")
pipeline.run(complete_days("lake2"))
pipeline.run(complete_days("lake2"))
with pipeline.sql_client() as client:
    print(client.execute_sql("SELECT count(*) FROM call_reports"))
