#!/usr/bin/env bash
# What logmetrics makes of a real mail log: the metrics, beside what a text
# search finds, and the lines that statsd and Graphite would be sent. The
# commands can be run by hand. Sends nothing and leaves nothing behind.
set -eu
cd "$(dirname "$0")/.."
bin=${1:-build/logmetrics}
log=testdata/parsers/postfix/real-rfc3164.log
LOGMETRICS_STATE_DIR=$(mktemp -d)
export LOGMETRICS_STATE_DIR
trap 'rm -rf "$LOGMETRICS_STATE_DIR"' EXIT

# show COMMAND prints a command and what it prints.
show() {
	printf '$ %s\n' "$1"
	eval "$1"
}
run="$bin --dry-run --from=begin"

printf 'The log of a mail server: what a text search finds in it, and what was sent.\n\n$ log=%s\n' $log
show 'wc -l <$log; grep -c status=sent $log'
show "$run"' -p mail -o stdout PostfixParser $log | grep -E "num(Sent|Def|Bou|Con|Rej)|avg|p95"'
naive=$(grep -c status=sent $log)
sent=$($run -o stdout PostfixParser $log | awk '$2 == "numSent" { print $3 }')
printf '\n%d of these %d lines record no delivery that was sent. Clients, senders and programs wrote the words:\n' $((naive - sent)) "$naive"
grep -m 1 'helo=<status=sent>' $log | cut -c 22-117 | sed 's/$/ .../'
printf '\nTo statsd, with types and packed; and under the Logster name, as Logster sends it:\n\n'
show "$run"' -p servers.myhost.postfix -o statsd PostfixParser $log | sed -n 1,6p'
show "$run"' -p servers.myhost.postfix -o statsd PostfixLogster $log | sed -n 1,4p'
printf '\nTo Graphite:\n\n'
show "$run"' -p servers.myhost.postfix -o graphite PostfixParser $log | sed -n 1,4p'
cat <<END

Nothing was sent, nothing is kept. To go on, look at your own log and install:

  $bin check PostfixParser /var/log/mail.log    # also: $bin parsers
  sudo install $bin /usr/local/bin

and in a crontab:

  * * * * * /usr/local/bin/logmetrics -p servers.myhost.postfix -o statsd PostfixParser /var/log/mail.log
END
