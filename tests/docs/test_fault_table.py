from scripts.docs import fault_table
from sinch_reporting.testing import faults


def test_the_table_of_faults_is_what_happens():
    assert fault_table.PAGE.read_text("utf-8") == fault_table.page()


def test_the_table_has_every_kind_of_fault():
    kinds = {name for name in faults.__all__ if name not in {"DEFAULT_CHAOS", "Fault", "Raw"}}
    assert kinds == {type(fault).__name__ for fault in fault_table.EVERY_FAULT}
    assert {type(fault) for fault in faults.DEFAULT_CHAOS} <= {type(fault) for fault in fault_table.EVERY_FAULT}
