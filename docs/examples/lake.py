"""Export to a folder, and read it with DuckDB, Polars, pandas and pyarrow."""

import json
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset

from sinch_reporting.export import export_call_reports
from sinch_reporting.testing import Sandbox

numbers = ["+46730170101", "+46730170102", "+46730170103"]
with Sandbox() as sandbox, sandbox.client() as reporting:
    export_call_reports(
        reporting,
        numbers,
        "lake",
        domain=["data", "pstn"],
        start=date(2026, 11, 1),
        stop=date(2026, 11, 3),
        daily=True,
    )

print(duckdb.execute("SELECT count(*), min(day) FROM 'lake/reports/**/*.parquet' WHERE domain = 'pstn'").fetchall())
print(pl.scan_parquet("lake/reports/").filter(day=date(2026, 11, 2)).collect().height)
print(pd.read_parquet("lake/reports").groupby("day", observed=True).size().to_dict())
print(pyarrow.dataset.dataset("lake/reports", partitioning="hive").count_rows())
print(json.loads(Path("lake/export.json").read_text())["state"])
