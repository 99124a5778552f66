"""`python -m sinch_reporting.cli`: the command, if its entry point is not on the path."""

import sys

from sinch_reporting.cli import main

if __name__ == "__main__":
    sys.exit(main())
