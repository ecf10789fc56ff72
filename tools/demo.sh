#!/usr/bin/env bash
# The main job on a real mail log: what is in it, and what statsd and Graphite
# would be sent, byte for byte. Sends nothing and leaves nothing behind.
set -eu
cd "$(dirname "$0")/.."
bin=${1:-build/logmetrics}
log=testdata/parsers/postfix/real-rfc3164.log
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT

show() {
	printf '\n$ logmetrics %s\n' "$*"
	"$bin" --state-dir "$state" "$@"
}

echo "$log: $(wc -l <"$log") lines of a real mail server."
echo "$(grep -c status=sent "$log") of them contain status=sent; senders wrote that into addresses, greetings and subjects too."
show --from=begin -p servers.myhost.postfix --output=stdout PostfixParser "$log"
show --dry-run --job=demo -p servers.myhost.postfix --output=statsd PostfixParser "$log" | awk 'NR <= 16; END { if (NR > 16) print "... and " NR - 16 " more lines" }'
show --dry-run --job=demo -p servers.myhost.postfix --output=statsd PostfixLogster "$log"
show --dry-run --job=demo -p servers.myhost.postfix --output=graphite PostfixParser "$log"
