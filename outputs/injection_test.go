package outputs_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/graphite"
	"github.com/logmetrics/logmetrics/internal/wire/pickle"
	"github.com/logmetrics/logmetrics/internal/wire/statsd"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// hostile is what attackers put into logs to add lines, metrics, types or tags.
var hostile = []string{
	"evil:1|c", "\nevil 1 2\n", "\r\nevil:1|g", "a;evil=1", "a,evil:1", "../../etc/evil", "<script>", "a b", "|#evil:1", "|@0.1",
	"", ".", "..", "\x00", "\xff\xfe", "é", "'; evil", "{evil}", "*", "~evil", "=", "!^", strings.Repeat("x", 5000), "%0aevil",
}

func hostileText(rnd *rand.Rand) []byte {
	var b []byte
	for range 1 + rnd.IntN(3) {
		b = append(b, hostile[rnd.IntN(len(hostile))]...)
		b = append(b, byte(rnd.Uint32()))
	}
	return b
}

// hostileBatch takes names, tags and members from the attacker by the ways
// that parsers have, and past them straight into samples. lines is how many
// lines may come out without kinds, and with statsd's.
func hostileBatch(rnd *rand.Rand) *metric.Batch {
	r := metric.NewRecorder(metric.RecorderOptions{})
	requests := r.Family("good.requests", metric.Counter, "k", "l")
	set := r.Series("good.set", metric.Set, metric.Shortest)
	for range 20 {
		r.Inc(r.SeriesBytes(append([]byte("good."), hostileText(rnd)...), metric.Counter), 1)
		r.Inc(requests.ID(hostileText(rnd), hostileText(rnd)), 1)
		r.Add(set, hostileText(rnd))
	}
	b := &metric.Batch{Stamp: 1760000000, Prefix: "good", Suffix: "end"}
	r.Flush(b)
	raw := metric.NewGauge("good."+string(hostileText(rnd)), 1, metric.Shortest, "")
	raw.Tags = metric.Tags{{Key: "k" + string(hostileText(rnd)), Value: string(hostileText(rnd))}}
	b.Samples = append(b.Samples, raw)
	return b
}

// TestNothingIsInjected reads what each output sends back with a strict
// parser: as many values as were recorded, all with declared beginnings,
// types and tags.
func TestNothingIsInjected(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for range 50 {
		b := hostileBatch(rnd)
		for _, v := range variants() {
			v.opt.Separator = ""
			checkNames(t, v, b)
		}
	}
}

func checkNames(t *testing.T, v variant, b *metric.Batch) {
	var packets [][]byte
	if v.output == "gatherer" { // its receiver refuses a batch with a name that no recorder makes
		valid := *b
		valid.Samples = b.Samples[:len(b.Samples)-1]
		b = &valid
	}
	if v.output == "prometheus" {
		v.opt.DryRun = io.Discard // a page to scrape is text then
	}
	out := outputs.Packets(t, v.output, v.opt, b, func(p []byte) { packets = append(packets, bytes.Clone(p)) })
	want := len(b.Samples)
	if v.output == "statsd" && !v.opt.Gauges {
		for i := range b.Samples {
			if s := &b.Samples[i]; s.Kind == metric.Set {
				want += len(s.Members.Exact()) - 1
			}
		}
	}
	got := 0
	if d, ok := out.(outputs.Dropper); ok {
		got += int(d.Dropped())
	}
	for _, p := range packets {
		got += strict[v.output](t, v, p)
	}
	require.Equal(t, want, got, "%s/%s", v.output, v.name)
}

// strict reads a packet of each output and returns how many values it holds.
var strict = map[string]func(t *testing.T, v variant, packet []byte) int{
	"cloudwatch": strictCloudWatch,
	"exec":       strictJSONLines,
	"ganglia":    strictGanglia,
	"gatherer":   strictGatherer,
	"graphite":   strictGraphite,
	"http":       strictJSON,
	"influx":     strictInflux,
	"nsca":       strictNSCA,
	"otlp":       strictOTLP,
	"prometheus": strictPrometheus,
	"statsd":     strictStatsd,
	"stdout":     strictStdout,
	"syslog":     strictSyslog,
}

func strictStatsd(t *testing.T, v variant, packet []byte) int {
	rows, bad := statsd.Parse(nil, packet)
	require.Zero(t, bad)
	require.Equal(t, len(rows), bytes.Count(bytes.TrimSuffix(packet, []byte("\n")), []byte("\n"))+1)
	for _, r := range rows {
		checkName(t, v, r.Name)
		checkDogTags(t, v, r.Tags)
		require.LessOrEqual(t, r.Type, statsd.Set)
		require.Equal(t, 1.0, r.Rate)
	}
	return len(rows)
}

func strictStdout(t *testing.T, v variant, packet []byte) int {
	lines := strings.Split(strings.TrimSuffix(string(packet), "\n"), "\n")
	for _, l := range lines {
		f := strings.Split(l, " ")
		require.Len(t, f, 3, "%q", l)
		require.Equal(t, "1760000000", f[0])
		checkName(t, v, []byte(f[1]))
	}
	return len(lines)
}

func strictGraphite(t *testing.T, v variant, packet []byte) int {
	if v.opt.Protocol == "pickle" {
		return strictPickle(t, v, packet)
	}
	rows, bad := graphite.Parse(nil, packet)
	require.Zero(t, bad)
	require.Equal(t, len(rows), bytes.Count(packet, []byte("\n")))
	for _, r := range rows {
		require.EqualValues(t, 1760000000, r.Time)
		checkName(t, v, r.Name)
	}
	return len(rows)
}

func strictPickle(t *testing.T, v variant, packet []byte) int {
	require.EqualValues(t, len(packet)-pickle.HeaderLen, binary.BigEndian.Uint32(packet))
	var d pickle.Decoder
	rows, bad, err := d.Parse(nil, packet[pickle.HeaderLen:])
	require.NoError(t, err)
	require.Zero(t, bad)
	for _, r := range rows {
		checkName(t, v, r.Name)
	}
	return len(rows)
}

func strictGatherer(t *testing.T, v variant, packet []byte) int {
	b, err := metric.ParseBatch(packet)
	require.NoError(t, err)
	for i := range b.Samples {
		checkName(t, v, []byte(b.Samples[i].Name))
	}
	return len(b.Samples)
}

// jsonBatch is what the http output posts; the lines of exec have its parts.
type jsonBatch struct {
	Version           int
	ID                string
	Start, End, Stamp int64
	Samples           []jsonSample
}

type jsonSample struct {
	Name, Kind, Unit string
	Tags             map[string]string
	Value            *float64
	Count            *uint64

	Sum, Mean, Lower, Upper, Std, Median, P90, P95, P99 *float64
}

// fromJSON decodes one value, in which nothing is that is not known.
func fromJSON(t *testing.T, text []byte, into any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(into), "%s", text)
	_, err := d.Token()
	require.ErrorIs(t, err, io.EOF)
}

func strictJSON(t *testing.T, v variant, packet []byte) int {
	var b jsonBatch
	fromJSON(t, packet, &b)
	for i := range b.Samples {
		checkJSON(t, v, &b.Samples[i])
	}
	return len(b.Samples)
}

func strictJSONLines(t *testing.T, v variant, packet []byte) int {
	lines := bytes.Split(bytes.TrimSuffix(packet, []byte("\n")), []byte("\n"))
	var head jsonBatch
	fromJSON(t, lines[0], &head)
	require.Nil(t, head.Samples)
	for _, line := range lines[1:] {
		var s jsonSample
		fromJSON(t, line, &s)
		checkJSON(t, v, &s)
	}
	return len(lines) - 1
}

func checkJSON(t *testing.T, v variant, s *jsonSample) {
	checkName(t, v, []byte(s.Name))
	require.Contains(t, []string{"counter", "gauge", "set"}, s.Kind)
	require.NotNil(t, s.Value)
	for key, value := range s.Tags {
		checkTag(t, []byte(key), []byte(value))
	}
}

func strictOTLP(t *testing.T, v variant, packet []byte) (n int) {
	for _, m := range otlpMetrics(t, packet) {
		checkName(t, v, []byte(m.Name))
		points := append(m.GetSum().GetDataPoints(), m.GetGauge().GetDataPoints()...)
		require.NotEmpty(t, points)
		for _, p := range points {
			for _, a := range p.Attributes {
				checkTag(t, []byte(a.Key), []byte(a.Value.GetStringValue()))
			}
		}
		n += len(points)
	}
	return n
}

// syslogMessage is one message as RFC 5424 has it; that of the local sort is not here.
var syslogMessage = regexp.MustCompile(`^<\d{1,3}>1 2025-10-09T08:53:20Z (-|web1) logmetrics - metric - name=(\S+) kind=(counter|gauge|set) value=[-0-9.e]+((?: tag\.[^ =]+=[^ =]+)*)$`)

func strictSyslog(t *testing.T, v variant, packet []byte) (n int) {
	for len(packet) > 0 {
		message := packet
		if v.opt.Protocol == "tcp" {
			length, rest, ok := bytes.Cut(packet, []byte(" "))
			require.True(t, ok)
			size, err := strconv.Atoi(string(length))
			require.NoError(t, err)
			message = rest[:size]
			packet = rest[size:]
		} else {
			packet = nil
		}
		part := syslogMessage.FindSubmatch(message)
		require.NotNil(t, part, "%q", message)
		checkName(t, v, part[2])
		for tag := range strings.FieldsSeq(string(part[4])) {
			key, value, _ := strings.Cut(strings.TrimPrefix(tag, "tag."), "=")
			checkTag(t, []byte(key), []byte(value))
		}
		n++
	}
	return n
}

func checkName(t *testing.T, v variant, name []byte) {
	path, tags := graphite.CutTags(name)
	require.True(t, metric.ValidName(string(path)), "%q", path)
	require.True(t, strings.HasPrefix(string(path), "good"), "%q", path)
	if v.opt.TagStyle != "graphite" {
		require.Nil(t, tags)
	}
	for n := 0; len(tags) > 0; n++ {
		var key, value []byte
		var ok bool
		key, value, tags, ok = graphite.NextTag(tags)
		require.True(t, ok)
		require.Less(t, n, 2)
		checkTag(t, key, value)
	}
}

func checkDogTags(t *testing.T, v variant, tags []byte) {
	if len(tags) == 0 {
		return
	}
	require.Equal(t, "dogstatsd", v.opt.TagStyle)
	list := strings.Split(string(tags), ",")
	require.LessOrEqual(t, len(list), 2)
	for _, tag := range list {
		key, value, ok := strings.Cut(tag, ":")
		require.True(t, ok)
		checkTag(t, []byte(key), []byte(value))
	}
}

func checkTag(t *testing.T, key, value []byte) {
	for _, node := range [][]byte{key, value} {
		require.True(t, metric.ValidName(string(node)), "%q", node)
		require.NotContains(t, string(node), ".")
	}
	require.Contains(t, "kl", string(key[:1]))
}
