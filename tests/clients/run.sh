#!/usr/bin/env bash
# Runs one test file with Node.js: run.sh FILE. Without the packages (scripts/clients installs them)
# it is skipped, but never in CI.
set -euo pipefail
cd "$(dirname "$0")"
if [ ! -d node_modules/openai ] || [ ! -d node_modules/ollama ]; then
  echo "tests/clients/node_modules is missing: run scripts/clients"
  [ -z "${CI:-}" ] || exit 1
  exit 77
fi
exec node --test "$1"
