package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

const log = `Nov 21 02:35:01 host sshd[812]: Failed password for root from 203.0.113.7 port 51432 ssh2
Nov 21 02:35:02 host sshd[813]: Failed password for invalid user x]: Accepted y from 203.0.113.7 port 51433 ssh2
Nov 21 02:35:03 host CRON[814]: (root) CMD (Accepted)
Nov 21 02:35:04 host sshd[815]: Accepted publickey for alice from 192.0.2.4 port 40022 ssh2: ED25519 SHA256:x
`

func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), strings.NewReader(log), &out); err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for d := json.NewDecoder(&out); d.More(); {
		var s struct {
			Name  string
			Value float64
		}
		if err := d.Decode(&s); err != nil {
			t.Fatal(err)
		}
		got[s.Name] = s.Value
	}
	if got["accepted"] != 1 || got["failed"] != 2 || int(got["pctFailed"]) != 66 {
		t.Fatal(got)
	}
}
