package main

import (
	"bytes"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// sshd counts logins and failures of OpenSSH:
//
//	Nov 21 02:35:01 host sshd[812]: Failed password for root from 203.0.113.7 port 51432 ssh2
//	Nov 21 02:35:04 host sshd[815]: Accepted publickey for alice from 192.0.2.4 port 40022 ssh2: ED25519 SHA256:...
//
// It records the counters accepted and failed, and the gauge pctFailed.
var sshd = parsers.Factory{
	Name:    "SshdParser",
	Summary: "logins and failures of OpenSSH",
	New:     newSSHD,
}

func newSSHD(_ parsers.Options, rec *metric.Recorder) (parsers.Parser, error) {
	accepted := rec.Series("accepted", metric.Counter, metric.Shortest)
	failed := rec.Series("failed", metric.Counter, metric.Shortest)
	rec.Derive("pctFailed", metric.Shortest, metric.Percent(failed, accepted, failed))
	return parsers.PerLine(func(line []byte, rec *metric.Recorder) parsers.Verdict {
		text := message(line)
		switch {
		case bytes.HasPrefix(text, []byte("Accepted ")):
			rec.Inc(accepted, 1)
		case bytes.HasPrefix(text, []byte("Failed ")):
			rec.Inc(failed, 1)
		default:
			return parsers.Skipped
		}
		return parsers.Matched
	}), nil
}

// message returns what sshd says in a line; nil for lines of other programs.
// It goes by the first "]: ", so that no user name can pose as a header.
func message(line []byte) []byte {
	head, text, ok := bytes.Cut(line, []byte("]: "))
	if !ok || !bytes.Contains(head, []byte(" sshd[")) {
		return nil
	}
	return text
}
