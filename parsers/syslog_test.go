package parsers_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

type syslogTruth struct {
	Lines      int
	Formats    map[string]int `json:"header_formats"`
	ByProgram  map[string]int `json:"by_program"`
	BySeverity map[string]int `json:"by_severity"`
	ByFacility map[string]int `json:"by_facility"`
	Without    int            `json:"lines_without_header_nonempty"`
}

var (
	severityNames = []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
	facilityNames = []string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}
)

func TestSyslogCountsAsTheTruth(t *testing.T) {
	for _, name := range []string{"nasty-syslog", "pub-beats-auth"} {
		t.Run(name, func(t *testing.T) {
			var truth syslogTruth
			log := joinedLog(t, "syslog", name, &truth)
			r := joinedRun(t, "SyslogParser", parsers.Options{}, log, nil)
			assert.Equal(t, parsers.Stats{Lines: truth.Lines, Rejected: truth.Without}, r.stats)
			lines := 0
			for _, n := range truth.Formats {
				lines += n
			}
			assert.EqualValues(t, lines, r.value("lines"))
			for program, n := range truth.ByProgram {
				assert.EqualValues(t, n, r.value("program."+string(metric.AppendNode(nil, []byte(program)))), program)
			}
			for code, n := range truth.BySeverity {
				i, err := strconv.Atoi(code)
				require.NoError(t, err)
				assert.EqualValues(t, n, r.value("severity."+severityNames[i]), code)
			}
			for code, n := range truth.ByFacility {
				i, err := strconv.Atoi(code)
				require.NoError(t, err)
				assert.EqualValues(t, n, r.value("facility."+facilityNames[i]), code)
			}
			assert.Len(t, r.samples, 1+len(truth.ByProgram)+len(truth.BySeverity)+len(truth.ByFacility))
		})
	}
}

func TestSyslogHeaders(t *testing.T) {
	at := time.Date(2026, 11, 20, 2, 35, 1, 0, time.UTC).Unix()
	for line, want := range map[string]struct {
		program string
		unix    int64
	}{
		"Nov 20 02:35:01 web1 sshd[15]: x":                   {"sshd", at},
		"Nov 20 02:35:01 web1 su: (to root) x":               {"su", at},
		"Nov 20 02:35:01 sshd[15]: without a host":           {"sshd", at},
		"Nov 20 02:35:01 fe80:: sshd[15]: x":                 {"sshd", at},
		"Nov 20 02:35:01 web1 last message repeated 3 times": {"", at},
		"Nov 20 02:35:01 web1":                               {"", at},
		"2026-11-20T02:35:01.123456+00:00 web1 kernel: x":    {"kernel", at},
		"<13>1 2026-11-20T03:35:01.5+01:00 - a/b.c - - - x":  {"a_b_c", at},
		"<13>1 - - - - - [x@1 y=\"]\"]":                      {"", 0},
		"<191>Nov 20 02:35:01 web1 x: y":                     {"x", at},
	} {
		rec := metric.NewRecorder(metric.RecorderOptions{})
		f, _, _ := parsers.Find("Syslog")
		p, err := f.New(parsers.Options{WantTime: true, Zone: time.UTC}, rec)
		require.NoError(t, err)
		st := p.Parse(parsers.Block{Bytes: []byte(line + "\n"), Newest: at + 86400}, rec)
		unix, _, timed := rec.Span()
		assert.Equal(t, want.unix, unix, line)
		assert.Equal(t, parsers.Stats{Lines: 1, Untimed: map[bool]int{false: 1}[timed]}, st, line)
		b := metric.Batch{}
		rec.Flush(&b)
		got := ""
		for _, s := range b.Samples {
			if len(s.Name) > 8 && s.Name[:8] == "program." {
				got = s.Name[8:]
			}
		}
		assert.Equal(t, want.program, got, line)
	}
	for _, line := range []string{
		"x", "Nov 20 02:35:01", "Nov 2 02:35:01 web1 x: y", "nov 20 02:35:01 web1 x: y", "<192>Nov 20 02:35:01 web1 x: y",
		"<01>Nov 20 02:35:01 web1 x: y", "<>Nov 20 02:35:01 web1 x: y", "<13Nov 20 02:35:01 web1 x: y", "<13>1 - - - - x",
		"<13>1 yesterday - - - - -", "2026-11-20T02:35:01Zweb1 x: y", "<13>", "<",
	} {
		r := joinedRun(t, "SyslogParser", parsers.Options{}, []byte(line+"\n"), nil)
		assert.Equal(t, parsers.Stats{Lines: 1, Rejected: 1}, r.stats, line)
	}
}
