#!/usr/bin/env bash
# Runs one test file with what scripts/clients has installed: run.sh FILE. Without that it is skipped, but
# never in CI.
set -euo pipefail
cd "$(dirname "$0")"
case "$1" in
  *.py) program=(.venv/bin/python) needed=.venv/.installed ;;
  *) program=(node --test) needed=node_modules/.installed ;;
esac
if [ ! -e "$needed" ]; then
  echo "tests/clients/$needed is missing: run scripts/clients"
  [ -z "${CI:-}" ] || exit 1
  exit 77
fi
exec "${program[@]}" "$1"
