#!/bin/sh
# Exports the calls of each number, one row per day, for the last seven days. In a crontab:
#
#     MAILTO=operations@example.com
#     15 3 * * * $HOME/reports/nightly.sh
#
# Days that are complete are not requested again, so that a normal night requests yesterday, and a night after an
# interrupted one also completes that. The same folder contains numbers.csv and credentials, which only its owner can
# read; ~/.venv contains sinch-reporting[cli,export]. cron mails what is written to standard error.
set -eu
cd "$(dirname "$0")"

code=0
"$HOME/.venv/bin/sinch-reporting" export numbers.csv calls --daily --days 7 --rate 50 --credentials credentials \
  --output json >last-run.json 2>last-run.log || code=$?
# 1: complete, with permanent failures or rejected lines. 75: incomplete, completed by the next run.
[ "$code" -eq 0 ] || cat last-run.json last-run.log >&2
exit "$code"
