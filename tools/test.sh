#!/usr/bin/env bash
# All tests. First the peers that some need are installed, where that is
# possible; the last lines name each test that did not run and how to make it.
# With LOGMETRICS_PEERS=require a missing peer fails.
set -eu
cd "$(dirname "$0")/.."
make --no-print-directory lint
tools/peers.sh
LOGMETRICS_PEERS_MISSING=$(mktemp)
export LOGMETRICS_PEERS_MISSING
trap 'rm -f "$LOGMETRICS_PEERS_MISSING"' EXIT
go test -count=1 ./... # some tests run the program, which the test cache does not know
if [ -s "$LOGMETRICS_PEERS_MISSING" ]; then
	echo "Not run here, and what would make them run:"
	sort -u "$LOGMETRICS_PEERS_MISSING"
fi
