#!/bin/sh
# Installs the programs of others that tests run against: Debian's packages of
# the list and those named as arguments, and npm's statsd and axe-core. As root
# on Debian only; elsewhere it does nothing. It is quick when all is there.
# Daemons that packages bring are not started: tests start their own.
set -eu

[ "$(id -u)" = 0 ] && [ -f /etc/debian_version ] || exit 0

packages='
bsdutils
bzip2
carbon-c-relay
chromium
collectd-core
ganglia-monitor
graphite-carbon
graphite-web
influxdb
logrotate
nginx-light
nsca
nsca-client
prometheus
prometheus-node-exporter
rsyslog
systemd
systemd-journal-remote
victoria-metrics
xz-utils
zstd
'
missing=
for package in $packages "$@"; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing="$missing $package"
done
if [ -n "$missing" ]; then
	export DEBIAN_FRONTEND=noninteractive
	policy=/usr/sbin/policy-rc.d # asked by dpkg before it starts a daemon; 101: no
	if [ ! -e "$policy" ]; then
		trap 'rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' >"$policy"
		chmod +x "$policy"
	fi
	# $missing is a list of words.
	apt-get install -qq -y --no-install-recommends $missing ||
		{ apt-get update -qq && apt-get install -qq -y --no-install-recommends $missing; }
fi

# Where internal/testutil looks for it.
cache="${XDG_CACHE_HOME:-$HOME/.cache}/logmetrics-test"
if command -v npm >/dev/null; then
	for script in statsd/stats.js axe-core/axe.min.js; do
		[ -f "$cache/node_modules/$script" ] && continue
		mkdir -p "$cache"
		npm install --prefix "$cache" --no-audit --no-fund --no-optional --ignore-scripts --silent statsd@0.9.0 axe-core@4.10.3
	done
fi
