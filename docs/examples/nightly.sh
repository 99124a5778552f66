#!/bin/sh
# Exports yesterday's calls of each number. In a crontab:
#
#     MAILTO=operations@example.com
#     15 3 * * * $HOME/reports/nightly.sh
#
# Beside it are numbers.csv and credentials, which only its owner can read; ~/.venv has sinch-reporting[cli,export].
# cron mails what is written to standard error, so that a night without failures is silent.
set -eu
cd "$(dirname "$0")"

day=$(date -u -d yesterday +%F)
if ! "$HOME/.venv/bin/sinch-reporting" export numbers.csv "reports/$day" --domain pstn --start "$day" --stop "$day" \
  --rate 50 --credentials credentials >"$day.log" 2>&1; then
  # The same call goes on where this one was: run the script again, or wait for the next line of the crontab.
  cat "$day.log" >&2
  exit 1
fi
