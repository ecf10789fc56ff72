#!/usr/bin/env bash
# Go benchmarks, then the binary beside grep, wc, mawk and mtail, in turn on
# one file, with the counts checked. Usage: bench/bench.sh BINARY [SIZE_MB] [DIR]
# The generators of ../shared/bench make the logs where they are; else the real
# logs of testdata/ are repeated. Peers that are absent are left out, and named.
set -eu
bin=$(realpath "${1:-build/logmetrics}")
mb=${2:-600}
dir=${3:-${TMPDIR:-/tmp}/logmetrics-bench}
cd "$(dirname "$0")/.."
mkdir -p "$dir"
state=$(mktemp -d "$([ -d /dev/shm ] && echo /dev/shm || echo "$dir")/logmetrics-bench.XXXXXX")
trap 'rm -rf "$state"' EXIT
gen=../shared/bench
go build -o "$dir/pair" ./bench/pair

# log NAME GENERATOR SAMPLE: makes $dir/NAME.log and says what it is.
log() {
	[ -s "$dir/$1.log" ] && return
	if [ -f "$gen/gen_$2.py" ] && command -v python3 >/dev/null; then
		python3 "$gen/gen_$2.py" --mb "$mb" -o "$dir/$1.log" 2>/dev/null
	else
		echo "no generator: $3, repeated"
		n=$((mb * 1048576 / $(wc -c <"$3")))
		for _ in $(seq $((n > 0 ? n : 1))); do cat "$3"; done >"$dir/$1.log"
	fi
	touch -d '1 minute ago' "$dir/$1.log" # the last event of a log that was just written may go on
}

# truth NAME KEY: a count of the generator, empty without one.
truth() { sed -n "s/.*\"$2\": \([0-9]*\).*/\1/p" "$dir/$1.log.json" 2>/dev/null; }

# expect NAME METRIC=KEY...: the counts to hold the binary to.
expect() {
	local name=$1 list=""
	shift
	for e in "$@"; do
		v=$(truth "$name" "${e#*=}")
		[ -z "$v" ] || list="$list,${e%%=*}=$v"
	done
	echo "${list#,}"
}

ours() { echo "$bin -s $state/$1-{run} --from=begin -o stdout --workers=$2"; }

# race TITLE LOG EXPECT COMMAND...: peers that are absent are left out.
race() {
	local title=$1 file=$2 want=$3 have=()
	shift 3
	for c in "$@"; do
		peer=$(echo "${c#*:}" | awk '{print $1}')
		if command -v "$peer" >/dev/null; then have+=("$c"); else echo "left out, absent: ${c%%:*}"; fi
	done
	echo
	echo "== $title"
	"$dir/pair" -n 7 -mb "$(($(wc -c <"$file") / 1048576))" -lines "$(wc -l <"$file")" -expect "$want" "${have[@]}"
}

if [ "${BENCH_GO:-1}" = 1 ]; then
	go test -run '^$' -bench . -benchmem ./...
fi

log postfix postfix testdata/parsers/postfix/real-rfc3164.log
f=$dir/postfix.log
want=$(expect postfix numSent=sent numDeferred=deferred numBounced=bounced numExpired=expired numProbeUndeliverable=undeliverable \
	numProbeDeliverable=deliverable numConnect=connect numReject=reject)
race "Postfix, one core" "$f" "$want" "logmetrics, 1 worker: $(ours p1 1) PostfixParser $f" "grep -c: grep -c status=sent $f" "wc -l: wc -l $f"
race "Postfix, two cores" "$f" "$want" "logmetrics, 2 workers: $(ours p2 2) PostfixParser $f" "wc -l: wc -l $f" \
	"mawk: mawk -f bench/postfix.awk $f" "mtail: mtail --one_shot --progs=bench/postfix.mtail --logs=$f --logtostderr"

log access access testdata/parsers/access/real-nginx-timed.log
f=$dir/access.log
race "access log, one core" "$f" "$(expect access requests=lines malformed=malformed bytes=body_bytes)" \
	"logmetrics, 1 worker: $(ours a 1) AccessParser $f" "mawk: mawk -f bench/access.awk $f"
race "access log, a regex with a literal, one core" "$f" "" \
	"logmetrics, 1 worker: $bin -s $state/r-{run} --from=begin -o stdout --workers=1 --parser-options=--counter=gets=\"(?P<method>GET)\\s/\\S*\\sHTTP/[\\d.]+\" RegexParser $f" \
	"mawk: mawk -f bench/regex.awk $f"

log log4j log4j testdata/parsers/log4j/real-log4j1-pattern.log
f=$dir/log4j.log
race "Log4j levels, one core" "$f" "$(expect log4j numEvents=events)" "logmetrics, 1 worker: $(ours l 1) Log4jParser $f" "mawk: mawk -f bench/log4j.awk $f"

log squid squid testdata/parsers/squid/real-common.log
f=$dir/squid.log
race "Squid, one core" "$f" "$(expect squid requests=lines bytes=reply_bytes)" "logmetrics, 1 worker: $(ours s 1) SquidParser $f"

: >"$dir/empty.log"
"$bin" -s "$state/idle" -o stdout PostfixParser "$dir/empty.log" 2>/dev/null
race "a run with nothing new" "$dir/empty.log" "" "logmetrics: $bin -s $state/idle -o stdout PostfixParser $dir/empty.log" "true: true"

echo
echo "== follow: 100 logs that grow by 1000 lines a second each, then 100 that do not"
go build -o "$dir/follow" ./bench/follow
"$dir/follow" -seconds 30 "$bin" bench/postfix.mtail
"$dir/follow" -rate 0 -seconds 60 "$bin" bench/postfix.mtail
