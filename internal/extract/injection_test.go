package extract_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/extract"
	"github.com/logmetrics/logmetrics/internal/wire/graphite"
	"github.com/logmetrics/logmetrics/internal/wire/pickle"
	"github.com/logmetrics/logmetrics/internal/wire/statsd"
	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/parsers"
)

// payloads are what attackers put where a log has a name or a value.
var payloads = []string{
	"evil:1|c", "\nevil 1 2\n", "\r\nevil:1|g\r\n", "evil 1 1700000000", "a;evil=1", "a,evil:1", "../../etc/evil", "<script>", "%0aevil:1|c",
	"|#evil:1", "|@0.1", ".", "..", "\x00", "\xff\xfe", "\x1b[2J", "\\nevil", "\\u000aevil:1|c", "{evil}", "*", "evil{a=\"b\"} 1", "'; evil",
	strings.Repeat("x", 300), "1e999", "NaN", "-1",
}

// hostileArgs make the parsers take as many names from the log as they can.
var hostileArgs = map[string][][]string{
	"AccessParser":  {{"--by=status,method,vhost"}},
	"JsonParser":    {nil, {"--count-by=who", "--count-by=level", "--set=**"}, {"--timer=**"}},
	"PostfixParser": {{"--by-transport", "--by-dsn", "--by-relay", "--stages"}},
	"RegexParser": {{
		`--counter=seen.{what}=x=(?P<what>.*?) y=`, `--counter=tagged=x=(?P<what>.*) y=(?P<how>.*)`, `--set=members=y=(?P<value>.*)`,
		`--timer=took=y=(?P<value>\S*)`, `--gauge=level.{what}=x=(?P<what>\S*) y=(?P<value>.*)`, `--counter=sum=x=(?P<what>[^y]*) y=(?P<value>\S+)`,
	}},
}

// samples are lines beside those in testdata.
var samples = map[string][]string{
	"JsonParser":  {`{"who": "a", "level": "INFO", "deep": {"key": [1, {"n": 2}]}}`, `{"a": 1, "b": {"c": 2.5}}`},
	"RegexParser": {"x=a y=b", "x=1 y=2"},
}

// token is a field, or a part of one, of a log line.
var token = regexp.MustCompile(`[\w.@%/-]+`)

// poisoned returns a parser's lines with a payload in place of each field.
func poisoned(t testing.TB, f parsers.Factory) []byte {
	t.Helper()
	lines := samples[f.Name]
	for _, c := range casesOf(t, f) {
		for i, line := range strings.SplitN(string(c.log), "\n", 9)[:3] {
			if i < 3 && len(lines) < 14 && len(line) < 400 {
				lines = append(lines, line)
			}
		}
	}
	var log bytes.Buffer
	for _, line := range lines {
		for _, at := range token.FindAllStringIndex(line, 24) {
			for _, payload := range payloads {
				log.WriteString(line[:at[0]] + payload + line[at[1]:] + "\n")
			}
		}
	}
	return log.Bytes()
}

// raw is a sink that keeps what it is sent: connections or datagrams.
type raw struct {
	address string
	mu      sync.Mutex // protects got
	got     [][]byte
	end     func() // no more comes
}

func (r *raw) add(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, b)
}

func listenStream(t testing.TB) *raw {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &raw{address: l.Addr().String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				stream, _ := io.ReadAll(c)
				r.add(stream)
			})
		}
	})
	r.end = sync.OnceFunc(func() { l.Close(); wg.Wait() })
	t.Cleanup(r.end)
	return r
}

func listenDatagrams(t testing.TB) *raw {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &raw{address: c.LocalAddr().String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 1<<16)
		for {
			n, _, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			r.add(bytes.Clone(buf[:n]))
		}
	})
	r.end = sync.OnceFunc(func() {
		c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // what was sent is in the socket's queue
		wg.Wait()
		c.Close()
	})
	t.Cleanup(r.end)
	return r
}

// declared is what may be sent: names with the keys of their tags, as an
// extraction within this process finds them.
type declared struct {
	nodes map[string]bool   // "pre.name" with the values of its tags as nodes
	paths map[string]string // "pre.name" -> its tags' keys
}

func declare(t testing.TB, parser string, args []string, log string) declared {
	t.Helper()
	job, got := newJob(t, parser, args, log)
	_, err := extract.Run(t.Context(), job)
	require.NoError(t, err)
	d := declared{map[string]bool{}, map[string]string{}}
	for i := range got.batches[0].Samples {
		s := &got.batches[0].Samples[i]
		require.True(t, metric.ValidName(s.Name), "%q", s.Name)
		name, keys := "pre."+s.Name, " "
		d.paths[name] += " "
		for _, tag := range s.Tags {
			keys += tag.Key + " "
		}
		d.paths[name] += keys
		for _, tag := range s.Tags {
			name += "." + tag.Value
		}
		d.nodes[name] = true
	}
	return d
}

// field is what outputs without kinds add to a timer's name, and statsd to a
// large set's.
var field = regexp.MustCompile(`\.(count|sum|mean|lower|upper|std|median|p\d+|estimate)$`)

// name checks a name as it was sent.
func (d declared) name(t testing.TB, name []byte) {
	t.Helper()
	path, tags := graphite.CutTags(name)
	text := string(path)
	if strings.HasPrefix(text, "pre.logmetrics.") {
		return
	}
	require.True(t, metric.ValidName(text), "%q", name)
	short := field.ReplaceAllString(text, "")
	_, asPath := d.paths[text]
	_, asField := d.paths[short]
	require.True(t, asPath || asField || d.nodes[text] || d.nodes[short], "%q is not declared", name)
	for len(tags) > 0 {
		var key, value []byte
		var ok bool
		key, value, tags, ok = graphite.NextTag(tags)
		require.True(t, ok, "%q", name)
		d.tag(t, text, short, string(key), string(value))
	}
}

func (d declared) tag(t testing.TB, text, short, key, value string) {
	t.Helper()
	require.True(t, metric.ValidName(value) && !strings.Contains(value, "."), "%q", value)
	require.True(t, strings.Contains(d.paths[text]+d.paths[short], " "+key+" "), "%q is no tag of %q", key, text)
}

// TestNothingIsInjected: see promise S6. Whatever stands in a log, through each
// parser and each output, only declared names arrive.
func TestNothingIsInjected(t *testing.T) {
	t.Parallel()
	for _, f := range parsers.Table() {
		for _, name := range []string{f.Name, f.Alias} {
			if name == "" {
				continue
			}
			variants := hostileArgs[f.Name]
			if variants == nil || name == f.Alias {
				variants = [][]string{nil}
			}
			for _, args := range variants {
				t.Run(name+" "+strings.Join(args, " "), func(t *testing.T) {
					t.Parallel()
					log := filepath.Join(t.TempDir(), "app.log")
					require.NoError(t, os.WriteFile(log, poisoned(t, f), 0o600))
					d := declare(t, name, args, log)
					require.NotEmpty(t, d.paths)
					for _, style := range [][2]string{{"none", "none"}, {"dogstatsd", "graphite"}, {"graphite", "graphite"}} {
						inject(t, d, name, args, log, style[0], style[1])
					}
				})
			}
		}
	}
}

// inject runs the program with all outputs at once and reads what they sent.
func inject(t *testing.T, d declared, parser string, args []string, log, statsdTags, graphiteTags string) {
	t.Helper()
	lines, pickles, lineGrams := listenStream(t), listenStream(t), listenDatagrams(t)
	stats, statGrams := listenStream(t), listenDatagrams(t)
	run := runParser(t, parser, args, log, "-o", "stdout", "--stdout-separator=.", "-o", "graphite", "-o", "statsd",
		"--graphite-host=tcp://"+lines.address, "--graphite-host=pickle://"+pickles.address, "--graphite-host=udp://"+lineGrams.address,
		"--statsd-host=tcp://"+stats.address, "--statsd-host=udp://"+statGrams.address,
		"--statsd-tags="+statsdTags, "--graphite-tags="+graphiteTags)
	assert.NotRegexp(t, `[^\n -~]`, run.stderr)
	for _, r := range []*raw{lines, pickles, lineGrams, stats, statGrams} {
		r.end()
		require.NotEmpty(t, r.got)
	}
	printed := 0
	for line := range strings.Lines(run.stdout) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), " ")
		require.Len(t, f, 3, "%q", line)
		d.name(t, []byte(f[1]))
		printed++
	}
	assert.Equal(t, printed, d.graphite(t, lines.got), "as many on standard output as at carbon")
	assert.Equal(t, printed, d.pickles(t, pickles.got))
	d.graphite(t, lineGrams.got)
	d.statsd(t, stats.got, statsdTags)
	d.statsd(t, statGrams.got, statsdTags)
}

func (d declared) graphite(t testing.TB, packets [][]byte) (n int) {
	t.Helper()
	for _, p := range packets {
		rows, bad := graphite.Parse(nil, p)
		require.Zero(t, bad)
		require.Equal(t, bytes.Count(p, []byte("\n")), len(rows))
		n += len(rows)
		for _, r := range rows {
			d.name(t, r.Name)
		}
	}
	return n
}

func (d declared) pickles(t testing.TB, streams [][]byte) (n int) {
	t.Helper()
	for _, s := range streams {
		for len(s) > 0 {
			length := int(binary.BigEndian.Uint32(s)) + pickle.HeaderLen
			var dec pickle.Decoder
			rows, bad, err := dec.Parse(nil, s[pickle.HeaderLen:length])
			require.NoError(t, err)
			require.Zero(t, bad)
			n += len(rows)
			for _, r := range rows {
				d.name(t, r.Name)
			}
			s = s[length:]
		}
	}
	return n
}

func (d declared) statsd(t testing.TB, packets [][]byte, style string) {
	t.Helper()
	for _, p := range packets {
		rows, bad := statsd.Parse(nil, p)
		require.Zero(t, bad)
		require.Equal(t, bytes.Count(bytes.TrimSuffix(p, []byte("\n")), []byte("\n"))+1, len(rows))
		for _, r := range rows {
			d.name(t, r.Name)
			require.LessOrEqual(t, r.Type, statsd.Set)
			if len(r.Tags) == 0 {
				continue
			}
			require.Equal(t, "dogstatsd", style)
			for _, tag := range strings.Split(string(r.Tags), ",") {
				key, value, ok := strings.Cut(tag, ":")
				require.True(t, ok, "%q", r.Tags)
				d.tag(t, string(r.Name), field.ReplaceAllString(string(r.Name), ""), key, value)
			}
		}
	}
}
