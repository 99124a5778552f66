"""`sinch-reporting doctor`."""

from sinch_reporting.cli.doctor.command import doctor

__all__ = ["doctor"]
