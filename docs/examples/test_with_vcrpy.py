"""A test with vcrpy: the first run records the response in `counter.yaml`, later runs replay it."""

import vcr

from sinch_reporting import ReportingClient

recorder = vcr.VCR(filter_headers=["authorization"], match_on=["method", "path", "query"])


def test_ongoing_calls() -> None:
    with recorder.use_cassette("counter.yaml"), ReportingClient() as reporting:
        assert reporting.get_counter("currentCalls").value == 842
