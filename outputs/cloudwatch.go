package outputs

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/metric"
)

// Amazon CloudWatch: PutMetricData of its Query API, a form of members
// MetricData.member.1.MetricName and so on. Tags are dimensions. A timer is
// its values with how often each occurred, in data of up to 150 values, which
// CloudWatch joins; so it can tell percentiles.

// CloudWatchOptions are those of the cloudwatch output alone.
type CloudWatchOptions struct {
	Namespace  string      // default logmetrics
	Region     string      // as in eu-central-1; required
	Dimensions metric.Tags // of every metric, besides its tags, which go before
	// Credentials returns what requests are signed with. It is called for each
	// batch, for some are valid for hours only. A dry run does not need it.
	Credentials func() (AWSCredentials, error)
}

// AWSCredentials are what requests to AWS are signed with.
type AWSCredentials struct {
	AccessKeyID, SecretAccessKey string
	SessionToken                 string // of temporary credentials; else empty
}

// The limits of PutMetricData.
const (
	cloudWatchRequest    = 1_000_000 // bytes of a request's body, 1 MB; before it is compressed, to be safe
	cloudWatchData       = 1000      // data in a request
	cloudWatchValues     = 150       // different values in a datum
	cloudWatchDimensions = 30        // of a datum
	cloudWatchNameLen    = 255       // bytes of the name of a metric or dimension
)

func newCloudWatch(opt Options) (Output, error) {
	own := opt.CloudWatch
	if own.Namespace == "" {
		own.Namespace = "logmetrics"
	}
	names, err := newNaming(opt, ".", tagsAsNodes)
	if err == nil {
		err = own.check()
	}
	if err != nil {
		return nil, fmt.Errorf("cloudwatch: %w", err)
	}
	names.style = tagsApart
	post, err := newCloudWatchPost(own, opt)
	if err != nil {
		return nil, fmt.Errorf("cloudwatch: %w", err)
	}
	e := &cloudWatchEncoder{names: names, dimensions: own.Dimensions}
	e.head = appendForm([]byte("Action=PutMetricData&Version=2010-08-01&Namespace="), own.Namespace)
	protocol, target, _ := strings.Cut(post.url, "://")
	return newOutput(opt, e, post, dryRun{to: Address{protocol, target}, what: "request"}), nil
}

func (o *CloudWatchOptions) check() error {
	switch {
	case o.Region == "":
		return errors.New("no region is named; they are as eu-central-1")
	case !validHost(o.Region):
		return fmt.Errorf("region %q: there is none of that name; they are as eu-central-1", o.Region)
	case len(o.Namespace) > 255 || strings.HasPrefix(o.Namespace, "AWS/") || strings.Trim(o.Namespace, nameSpaceChars) != "":
		return fmt.Errorf("namespace %q: letters, digits and ./-_# are expected, up to 255, and not AWS/ at its beginning", o.Namespace)
	case len(o.Dimensions) > cloudWatchDimensions:
		return fmt.Errorf("%d dimensions; CloudWatch takes %d", len(o.Dimensions), cloudWatchDimensions)
	}
	for i, d := range o.Dimensions {
		if !printable(d.Key, 255) || !printable(d.Value, 1024) || d.Key[0] == ':' {
			return fmt.Errorf("dimension %q=%q: a name of up to 255 and a value of up to 1024 printable ASCII characters are expected", d.Key, d.Value)
		}
		if slices.ContainsFunc(o.Dimensions[:i], func(t metric.Tag) bool { return t.Key == d.Key }) {
			return fmt.Errorf("dimension %s: it is given twice", d.Key)
		}
	}
	return nil
}

const nameSpaceChars = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789./-_#"

// printable reports whether s is of 1 to limit ASCII characters, not all blank.
func printable(s string, limit int) bool {
	return strings.Trim(s, " ") != "" && len(s) <= limit && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

type cloudWatchEncoder struct {
	names      naming
	dimensions metric.Tags
	head       []byte // of every request
	stamp      []byte // of the batch, as in a form
	unit       string
	send       func([]byte) error

	buf    []byte // the request
	data   int    // how many data are in it
	key    []byte // "&MetricData.member.7"
	values []binned

	scratch []byte
}

// binned is a value of a timer and how often it occurred.
type binned struct {
	value float64
	count uint64
}

func (e *cloudWatchEncoder) encode(b *metric.Batch, send func([]byte) error) error {
	e.send = send
	var text [len(time.RFC3339)]byte
	e.stamp = appendForm(e.stamp[:0], time.Unix(b.Stamp, 0).UTC().AppendFormat(text[:0], time.RFC3339))
	e.begin()
	for i := range b.Samples {
		if err := e.sample(b, &b.Samples[i]); err != nil {
			return err
		}
	}
	return e.flush()
}

func (e *cloudWatchEncoder) begin() {
	e.buf, e.data = append(e.buf[:0], e.head...), 0
}

func (e *cloudWatchEncoder) flush() error {
	if e.data == 0 {
		return nil
	}
	err := e.send(e.buf)
	e.begin()
	return err
}

// sample adds a sample: one datum, or for a timer as many as its values need.
// A timer without values has none: CloudWatch knows no count of 0.
func (e *cloudWatchEncoder) sample(b *metric.Batch, s *metric.Sample) error {
	e.names.set(b, s, "")
	e.names.name = boundName(e.names.name, cloudWatchNameLen)
	e.unit = cloudWatchUnit(s)
	if s.Kind != metric.Timer {
		e.values = append(e.values[:0], binned{s.Value(), 1})
		return e.datum(s, e.values)
	}
	e.values = appendBinned(e.values[:0], s.Dist)
	for part := range slices.Chunk(e.values, cloudWatchValues) {
		if err := e.datum(s, part); err != nil {
			return err
		}
	}
	return nil
}

// appendBinned appends the values of a timer, ascending; equal ones once.
func appendBinned(dst []binned, d *metric.Dist) []binned {
	if d == nil {
		return dst
	}
	d.Bins(func(v float64, n uint64) bool {
		v = cloudWatchValue(v)
		if last := len(dst) - 1; last >= 0 && dst[last].value == v {
			dst[last].count += n
			return true
		}
		dst = append(dst, binned{v, n})
		return true
	})
	return dst
}

// datum adds one datum to the request, or to the next one when this one is full.
func (e *cloudWatchEncoder) datum(s *metric.Sample, values []binned) error {
	before := len(e.buf)
	e.write(s, values)
	if e.data++; len(e.buf) <= cloudWatchRequest && e.data <= cloudWatchData {
		return nil
	}
	e.buf = e.buf[:before]
	e.data--
	if err := e.flush(); err != nil {
		return err
	}
	e.write(s, values)
	e.data++
	return nil
}

func (e *cloudWatchEncoder) write(s *metric.Sample, values []binned) {
	e.key = strconv.AppendInt(append(e.key[:0], "&MetricData.member."...), int64(e.data+1), 10)
	e.field(".MetricName=")
	e.buf = appendForm(e.buf, e.names.name)
	e.field(".Timestamp=")
	e.buf = append(e.buf, e.stamp...)
	e.field(".Unit=")
	e.buf = appendForm(e.buf, e.unit)
	e.writeDimensions(s.Tags)
	if s.Kind != metric.Timer {
		e.field(".Value=")
		e.number(values[0].value)
		return
	}
	for i, v := range values {
		e.member(".Values.member.", i, "=")
		e.number(v.value)
		e.member(".Counts.member.", i, "=")
		e.buf = strconv.AppendUint(e.buf, v.count, 10)
	}
}

func (e *cloudWatchEncoder) field(name string) {
	e.buf = append(append(e.buf, e.key...), name...)
}

// member begins the member i of a list; to AWS the first is 1.
func (e *cloudWatchEncoder) member(list string, i int, rest string) {
	e.field(list)
	e.buf = append(strconv.AppendInt(e.buf, int64(i+1), 10), rest...)
}

// number writes a value; at most the mantissa's '.', 'e', '+' and '-' are in it.
func (e *cloudWatchEncoder) number(v float64) {
	var text [32]byte
	e.buf = appendForm(e.buf, metric.AppendValue(text[:0], cloudWatchValue(v), metric.Shortest))
}

func (e *cloudWatchEncoder) writeDimensions(tags metric.Tags) {
	n := 0
	for _, t := range tags[:min(len(tags), cloudWatchDimensions)] {
		e.member(".Dimensions.member.", n, ".Name=")
		e.node(t.Key)
		e.member(".Dimensions.member.", n, ".Value=")
		e.node(t.Value)
		n++
	}
	for _, t := range e.dimensions {
		if _, own := tags.Get(t.Key); own || n == cloudWatchDimensions {
			continue
		}
		e.member(".Dimensions.member.", n, ".Name=")
		e.buf = appendForm(e.buf, t.Key)
		e.member(".Dimensions.member.", n, ".Value=")
		e.buf = appendForm(e.buf, t.Value)
		n++
	}
}

// node writes a tag's key or value. That it is valid is not enough: a '%'
// would be read as an escape.
func (e *cloudWatchEncoder) node(text string) {
	e.scratch = appendNode(e.scratch[:0], text)
	e.buf = appendForm(e.buf, e.scratch)
}

// cloudWatchValue brings a value into the range that is taken: from -2^360 to
// 2^360, with none but 0 nearer to 0 than 2^-360.
func cloudWatchValue(v float64) float64 {
	const most, least = 0x1p360, 0x1p-360
	if math.Abs(v) < least {
		return 0
	}
	return max(-most, min(most, v))
}

// cloudWatchUnit returns CloudWatch's name of the sample's unit.
func cloudWatchUnit(s *metric.Sample) string {
	switch measureOf(fieldUnit(s, "")) {
	case seconds:
		return "Seconds"
	case milliseconds:
		return "Milliseconds"
	case microseconds:
		return "Microseconds"
	case bytesOf:
		return "Bytes"
	case percent:
		return "Percent"
	case perSecond:
		return "Count/Second"
	}
	if s.Kind == metric.Counter || s.Kind == metric.Set {
		return "Count"
	}
	return "None"
}

// appendForm appends text as a form carries it.
func appendForm[T string | []byte](dst []byte, text T) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(text) {
		c := text[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
