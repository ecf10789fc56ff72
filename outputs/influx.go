package outputs

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/logmetrics/logmetrics/internal/wire/influx"
	"github.com/logmetrics/logmetrics/metric"
)

// InfluxDB's line protocol over HTTP or UDP:
// "servers.web1.requests,code=200,method=GET value=7 1760000000". A repeat is
// the same measurement, tags, fields and time: it changes nothing there.

// InfluxOptions are the options of the influx output alone. Over HTTP either
// Database or Bucket must be given.
type InfluxOptions struct {
	Database     string // of InfluxDB 1, perhaps with a retention policy: DATABASE/POLICY
	User         string // of InfluxDB 1
	PasswordFile string // holds the user's password
	Org, Bucket  string // of InfluxDB 2
	TokenFile    string // holds the token of InfluxDB 2
	MetricName   string // not empty: the layout of CVMFS's telemetry, with this name
	ExtraTags    string // a=1,b=2 as the protocol writes them: tags of each line
	ExtraFields  string // c=3,d="e" as the protocol writes them; only with MetricName
}

func influxPorts() map[string]int {
	ports := webPorts(8086)
	ports["udp"] = 8089
	return ports
}

// influxBody is how many bytes a request has before it is compressed: the 5000
// to 10000 lines that InfluxDB likes best.
const influxBody = 512 << 10

func newInflux(opt Options) (Output, error) {
	out, err := makeInflux(opt)
	if err != nil {
		return nil, fmt.Errorf("influx: %w", err)
	}
	return out, nil
}

func makeInflux(opt Options) (Output, error) {
	to, err := endpoint(opt, influxPorts(), "/")
	if err != nil {
		return nil, err
	}
	w := influxWriter{pack: packer{limit: influxBody}, unit: 1}
	if to.Scheme == "udp" {
		w = influxWriter{pack: packer{limit: packetSize(opt)}, unit: 1e9}
	}
	encoder, memory, err := influxLayout(opt, w)
	if err != nil {
		return nil, err
	}
	t, print, err := influxTransport(opt, to)
	if err != nil {
		return nil, err
	}
	out := newOutput(opt, encoder, t, print)
	if memory != nil {
		return stateful{out, memory}, nil
	}
	return out, nil
}

// influxLayout returns the encoder of the layout that is asked for, and its
// totals if it has some.
func influxLayout(opt Options, w influxWriter) (encoder, *totals, error) {
	names, err := newNaming(opt, ".", tagsAsNodes)
	if err != nil {
		return nil, nil, err
	}
	tags, err := extraTags(opt.Influx.ExtraTags)
	if err != nil {
		return nil, nil, err
	}
	if opt.Influx.MetricName != "" {
		e, err := newCVMFS(opt.Influx, names, w)
		if err != nil {
			return nil, nil, err
		}
		return e, &e.totals, nil
	}
	if opt.Influx.ExtraFields != "" {
		return nil, nil, errors.New("extra fields need a metric name: other lines have one field, their value")
	}
	names.style = tagsApart
	return &influxEncoder{influxWriter: w, names: names, extra: opt.Influx.ExtraTags, taken: tags}, nil, nil
}

func influxTransport(opt Options, to *url.URL) (transport, dryRun, error) {
	if to.Scheme == "udp" {
		address := Address{"udp", to.Host}
		return newDialer(address, opt), dryRun{to: address, what: "datagram"}, nil
	}
	if err := opt.Influx.complete(to); err != nil {
		return nil, dryRun{}, err
	}
	header := http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"text/plain; charset=utf-8"}}
	if err := opt.Influx.authorize(header); err != nil {
		return nil, dryRun{}, err
	}
	post, err := newHTTPPost(to.String(), header, opt)
	return post, dryRun{to: Address{to.Scheme, to.Host + to.RequestURI()}, what: "body"}, err
}

// complete gives the URL the path and query of the InfluxDB that the options are of.
func (o InfluxOptions) complete(to *url.URL) error {
	q := to.Query()
	q.Set("precision", "s")
	switch {
	case o.Bucket != "" && o.Database != "":
		return errors.New("a database is InfluxDB 1's and a bucket InfluxDB 2's: name one of them")
	case o.Bucket != "":
		*to = *to.JoinPath("api", "v2", "write")
		q.Set("bucket", o.Bucket)
		if o.Org != "" {
			q.Set("org", o.Org)
		}
	case o.Database != "":
		*to = *to.JoinPath("write")
		database, policy, _ := strings.Cut(o.Database, "/")
		q.Set("db", database)
		if policy != "" {
			q.Set("rp", policy)
		}
	default:
		return errors.New("over HTTP a database (InfluxDB 1) or a bucket (InfluxDB 2) must be named")
	}
	to.RawQuery = q.Encode()
	return nil
}

// authorize adds what the files hold to the header.
func (o InfluxOptions) authorize(header http.Header) error {
	var token, password string
	var err error
	switch {
	case o.TokenFile != "" && o.User != "":
		return errors.New("a user is InfluxDB 1's and a token InfluxDB 2's: give one of them")
	case o.PasswordFile != "" && o.User == "":
		return errors.New("the user of the password is missing")
	}
	if o.TokenFile != "" {
		if token, err = readSecret(o.TokenFile); err != nil {
			return err
		}
		header.Set("Authorization", "Token "+token)
	}
	if o.PasswordFile != "" {
		if password, err = readSecret(o.PasswordFile); err != nil {
			return err
		}
	}
	if o.User != "" {
		req := http.Request{Header: header}
		req.SetBasicAuth(o.User, password)
	}
	return nil
}

// extraTags checks tags and returns their keys.
func extraTags(text string) (keys []string, err error) {
	if text == "" {
		return nil, nil
	}
	pt, err := onlyPoint("m," + text + " f=1 1\n")
	if err != nil {
		return nil, fmt.Errorf("extra tags %q are not as in a=1,b=2: %w", text, err)
	}
	for _, t := range pt.Tags {
		keys = append(keys, string(t.Key))
	}
	return keys, nil
}

// onlyPoint parses a line made with a user's text, which must not change what
// is around it.
func onlyPoint(line string) (pt influx.Point, err error) {
	var p influx.Parser
	p.Reset([]byte(line))
	if _, err = p.Next(&pt); err != nil {
		return pt, err
	}
	if strings.Count(line, "\n") > 1 || string(pt.Measurement) != "m" || !pt.Timed || pt.Time != 1 || pt.Heartbeat() {
		return pt, errors.New("blanks are escaped by a backslash, and there is one line")
	}
	return pt, nil
}

// influxWriter ends lines and joins them.
type influxWriter struct {
	pack packer
	unit int64 // how many make a second
}

// begin begins a batch.
func (w *influxWriter) begin(b *metric.Batch, send func([]byte) error) error {
	const seconds = influx.MaxTime / 1_000_000_000
	if b.Stamp > seconds || b.Stamp < -seconds {
		return fmt.Errorf("%w: InfluxDB knows no such time", ErrPermanent) // it was taken from a log
	}
	w.pack.begin(send)
	return nil
}

// end ends a line.
func (w *influxWriter) end(b *metric.Batch) error {
	w.pack.buf = influx.AppendTime(w.pack.buf, b.Stamp*w.unit)
	return w.pack.unit()
}

// influxEncoder makes a line of each sample: measurement prefix.name.suffix,
// the sample's tags, and the field "value", or a timer's fields.
type influxEncoder struct {
	influxWriter
	names  naming
	extra  string   // tags of each line
	taken  []string // their keys
	fields []field
	word   []byte
}

func (e *influxEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	if err := e.begin(b, send); err != nil {
		return err
	}
	for i := range b.Samples {
		if err := e.sample(b, &b.Samples[i]); err != nil {
			return err
		}
	}
	return e.pack.end()
}

func (e *influxEncoder) sample(b *metric.Batch, s *metric.Sample) error {
	if e.fields = appendFields(e.fields[:0], s); len(e.fields) == 0 {
		return nil
	}
	e.names.set(b, s, "")
	e.pack.buf = influx.AppendMeasurement(e.pack.buf, e.names.name)
	if e.extra != "" {
		e.pack.buf = append(append(e.pack.buf, ','), e.extra...)
	}
	for _, t := range s.Tags {
		e.tag(t)
	}
	for i, f := range e.fields {
		e.pack.buf = influx.AppendField(e.pack.buf, i == 0, cmp.Or(f.name, "value"), f.value)
	}
	return e.end(b)
}

// tag appends a sample's tag. One that is called like an extra tag gets a '_'
// behind its key, for a key that is there twice makes InfluxDB refuse the line.
func (e *influxEncoder) tag(t metric.Tag) {
	e.word = appendNode(e.word[:0], t.Key)
	for _, key := range e.taken {
		if string(e.word) == key {
			e.word = append(e.word, '_')
			break
		}
	}
	n := len(e.word)
	e.word = appendNode(e.word, t.Value)
	e.pack.buf = influx.AppendTag(e.pack.buf, e.word[:n], e.word[n:])
}
