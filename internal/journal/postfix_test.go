package journal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/journal"
	"github.com/logmetrics/logmetrics/internal/tail"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
	"github.com/logmetrics/logmetrics/state"
)

// postfixHeader is that of RFC 3164 or with an RFC 3339 stamp, with the host,
// the tag and the process id.
var postfixHeader = regexp.MustCompile(`^(?:\w{3} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) (\S+) ([^ :\[]+)(?:\[(\d+)\])?: +`)

// TestPostfixThroughTheJournal has logs of real servers written into a journal,
// and counts what an independent program counted in them.
func TestPostfixThroughTheJournal(t *testing.T) {
	for _, name := range []string{"real-rfc3164", "real-longids-postlog", "real-rfc3339-first1200", "nasty-dst"} {
		t.Run(name, func(t *testing.T) {
			base := filepath.Join("..", "..", "testdata", "parsers", "postfix", name)
			log, err := os.ReadFile(base + ".log")
			require.NoError(t, err)
			text, err := os.ReadFile(base + ".truth.json")
			require.NoError(t, err)
			var truth struct {
				Lines    int
				Delivery struct {
					ByStatus map[string]int `json:"by_status"`
				}
				RBL int `json:"smtpd_rbl_rejects"`
			}
			require.NoError(t, json.Unmarshal(text, &truth))
			j := newJournal(t)
			j.write("mail.journal", j.exported(log))
			got, lines := parse(t, j.open("journal:facility=mail", state.Position{}, journal.Options{}))
			assert.Equal(t, truth.Lines, lines)
			assert.EqualValues(t, truth.Delivery.ByStatus["sent"], got["numSent"])
			assert.EqualValues(t, truth.Delivery.ByStatus["deferred"], got["numDeferred"])
			assert.EqualValues(t, truth.Delivery.ByStatus["bounced"], got["numBounced"])
			assert.EqualValues(t, truth.RBL, got["numRbl"])
			assert.Positive(t, got["numSent"])
		})
	}
}

// exported makes entries of the lines of a log. One without a header is a
// message of another program.
func (j *journald) exported(log []byte) (export []byte) {
	for line := range strings.Lines(string(log)) {
		line = strings.TrimSuffix(line, "\n")
		m := postfixHeader.FindStringSubmatch(line)
		if m == nil {
			export = j.entry(export, "MESSAGE="+line, "SYSLOG_IDENTIFIER=other")
			continue
		}
		export = j.entry(export, "MESSAGE="+line[len(m[0]):], "_HOSTNAME="+m[1], "SYSLOG_IDENTIFIER="+m[2], "SYSLOG_PID="+m[3])
	}
	return export
}

// parse counts what PostfixParser finds in src.
func parse(t *testing.T, src tail.Source) (values map[string]float64, lines int) {
	t.Helper()
	factory, _, ok := parsers.Find("PostfixParser")
	require.True(t, ok)
	rec := metric.NewRecorder(metric.RecorderOptions{})
	parser, err := factory.New(parsers.Options{}, rec)
	require.NoError(t, err)
	for {
		b, err := src.Next(t.Context(), nil)
		if errors.Is(err, tail.ErrEnded) {
			break
		}
		require.NoError(t, err)
		before := bytes.Clone(b.Bytes)
		lines += parser.Parse(b, rec).Lines
		require.Equal(t, before, b.Bytes)
	}
	var batch metric.Batch
	rec.Flush(&batch)
	values = map[string]float64{}
	for _, s := range batch.Samples {
		values[s.Name] = s.Sum
	}
	return values, lines
}
