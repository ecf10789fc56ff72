package influx_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/wire/influx"
)

func TestAppend(t *testing.T) {
	b := influx.AppendMeasurement(nil, `a b,c=d\e`)
	b = influx.AppendTag(b, "k ,=", `v\`)
	b = influx.AppendTag(b, "empty", "")
	b = influx.AppendField(b, true, "x=y", 1.5)
	b = influx.AppendField(b, false, "\n", -3)
	b = influx.AppendTime(b, 1760000000)
	assert.Equal(t, `a\ b\,c=d\e,k\ \,\==v_ x\=y=1.5,_=-3 1760000000`+"\n", string(b))
	assert.Equal(t, "_a", string(influx.AppendMeasurement(nil, "#a")))
	assert.Equal(t, "_", string(influx.AppendMeasurement(nil, "")))
	b = make([]byte, 0, 1000)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		influx.AppendTime(influx.AppendField(influx.AppendTag(influx.AppendMeasurement(b, "m"), "k", "v"), true, "f", .1), 1)
	}))
}

// show writes what a block is parsed to.
func show(in string, precision influx.Precision) string {
	var out []string
	var pt influx.Point
	p := influx.Parser{Precision: precision}
	p.Reset([]byte(in))
	for {
		ok, err := p.Next(&pt)
		if !ok {
			return strings.Join(out, "; ")
		}
		if err != nil {
			out = append(out, "error: "+err.Error())
			continue
		}
		out = append(out, showPoint(&pt))
	}
}

func showPoint(pt *influx.Point) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", pt.Measurement)
	for _, t := range pt.Tags {
		fmt.Fprintf(&b, " [%s:%s]", t.Key, t.Value)
	}
	for _, f := range pt.Fields {
		v := any(f.Float)
		switch f.Kind {
		case influx.Integer:
			v = fmt.Sprintf("%di", f.Int)
		case influx.Unsigned:
			v = fmt.Sprintf("%du", f.Uint)
		case influx.Boolean:
			v = f.Bool
		case influx.Text:
			v = fmt.Sprintf("%q", f.Text)
		}
		fmt.Fprintf(&b, " %s=%v", f.Key, v)
	}
	if pt.Timed {
		fmt.Fprintf(&b, " @%d", pt.Time)
	}
	return b.String()
}

var points = map[string]string{
	"m f=1\n":                       `"m" f=1`,
	"m,a=b,c=d f=1.5,g=-2e3 17\r\n": `"m" [a:b] [c:d] f=1.5 g=-2000 @17`,
	"m f=3i,g=-9223372036854775808i,h=18446744073709551615u": `"m" f=3i g=-9223372036854775808i h=18446744073709551615u`,
	"m a=t,b=T,c=true,d=True,e=TRUE":                         `"m" a=true b=true c=true d=true e=true`,
	"m a=f,b=F,c=false,d=False,e=FALSE":                      `"m" a=false b=false c=false d=false e=false`,
	`m f="a \"b\" \\ \n , = c",g=1 5`:                        `"m" f="a \"b\" \\ \\n , = c" g=1 @5`,
	"m f=\"two\nlines\" 5":                                   `"m" f="two\nlines" @5`,
	`m f=""`:                                                 `"m" f=""`,
	`a\ b\,c\=d,k\ =v\,w\=x f\ g=1`:                          `"a b,c\\=d" [k :v,w=x] f g=1`,
	`a\b,k=\\v\\ w f=1`:                                      `"a\\b" [k:\\v\ w] f=1`,
	"a=b f=1":                                                `"a=b" f=1`,
	"m  f=1   2  \n":                                         `"m" f=1 @2`,
	"# no\n\n \t m f=1\n#end":                                `"m" f=1`,
	"m f=.5,g=1. -1":                                         `"m" f=0.5 g=1 @-1`,
	"N_absolute,repo=a.example.org 1760000000000000000\n":    `"N_absolute" [repo:a.example.org] @1760000000000000000`,
	"good f=1\nm\ngood f=2\n":                                `"good" f=1; error: missing fields; "good" f=2`,
	"m f=\"open\ngood f=2\n":                                 `error: unbalanced quotes; "good" f=2`,
	"":                                                       "",
}

var wrong = map[string]error{
	"m":                              influx.ErrNoFields,
	"m,a=b":                          influx.ErrNoFields,
	"m ":                             influx.ErrNoFields,
	",a=b f=1":                       influx.ErrNoMeasurement,
	"m f":                            influx.ErrField,
	"m 123":                          influx.ErrField,
	"m,a=b 123 5":                    influx.ErrField,
	"m f=1,":                         influx.ErrField,
	"m f=1,g":                        influx.ErrField,
	"m =1":                           influx.ErrNoFieldKey,
	"m f=":                           influx.ErrNoValue,
	"m f=,g=1":                       influx.ErrNoValue,
	"m f= 5":                         influx.ErrNoValue,
	"m f=nan":                        influx.ErrNumber,
	"m f=NaN":                        influx.ErrNumber,
	"m f=1.2.3":                      influx.ErrNumber,
	"m f=-":                          influx.ErrNumber,
	"m f=1x":                         influx.ErrNumber,
	"m f=0x10":                       influx.ErrNumber,
	"m f=1.5i":                       influx.ErrNumber,
	"m f=-1u":                        influx.ErrNumber,
	"m f=1e400":                      influx.ErrFloat,
	"m f=9223372036854775808i":       influx.ErrInteger,
	"m f=99999999999999999999999u":   influx.ErrInteger,
	"m f=inf":                        influx.ErrBoolean,
	"m f=tRUE":                       influx.ErrBoolean,
	`m f="a`:                         influx.ErrQuotes,
	`m f="a"b`:                       influx.ErrField,
	"m f=1 abc":                      influx.ErrTime,
	"m f=1 1.5":                      influx.ErrTime,
	"m f=1 5 6":                      influx.ErrTime,
	"m f=1 9223372036854775807":      influx.ErrRange,
	"m f=1 99999999999999999999":     influx.ErrRange,
	"m, f=1":                         influx.ErrNoTagKey,
	"m,=b f=1":                       influx.ErrNoTagKey,
	"m,a f=1":                        influx.ErrNoTagValue,
	"m,a= f=1":                       influx.ErrNoTagValue,
	"m,a=,c=d f=1":                   influx.ErrNoTagValue,
	"m,a=b=c f=1":                    influx.ErrTag,
	"m,a=b,a=c f=1":                  influx.ErrTwice,
	"m" + manyTags(influx.MaxTags+1): influx.ErrManyTags,
	"m " + strings.Repeat("f=1,", influx.MaxFields) + "f=1": influx.ErrManyFields,
}

func manyTags(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",k%d=v", i)
	}
	return b.String() + " f=1"
}

func TestParse(t *testing.T) {
	for in, want := range points {
		assert.Equal(t, want, show(in, 0), "%q", in)
	}
	for in, want := range wrong {
		assert.Equal(t, "error: "+want.Error(), show(in, 0), "%q", in)
	}
	assert.NotContains(t, show("m"+manyTags(influx.MaxTags), 0), "error")
}

func TestPrecision(t *testing.T) {
	for text, want := range map[string]string{"": "7", "ns": "7", "u": "7000", "ms": "7000000", "s": "7000000000", "m": "420000000000", "h": "25200000000000"} {
		p, ok := influx.ParsePrecision(text)
		require.True(t, ok)
		assert.Equal(t, `"m" f=1 @`+want, show("m f=1 7", p))
	}
	_, ok := influx.ParsePrecision("d")
	assert.False(t, ok)
	assert.Equal(t, "error: time outside range", show("m f=1 9223372037", influx.Second))
	assert.Equal(t, `"m" f=1 @-9223372036000000000`, show("m f=1 -9223372036", influx.Second))
}

func TestNumber(t *testing.T) {
	for in, want := range map[string]float64{"m f=1.5": 1.5, "m f=-3i": -3, "m f=3u": 3, "m f=t": 1, "m f=F": 0} {
		var p influx.Parser
		var pt influx.Point
		p.Reset([]byte(in))
		_, err := p.Next(&pt)
		require.NoError(t, err)
		v, ok := pt.Fields[0].Number()
		assert.True(t, ok)
		assert.Equal(t, want, v)
	}
	_, ok := (&influx.Field{Kind: influx.Text}).Number()
	assert.False(t, ok)
}

func block() []byte {
	var b []byte
	for i := range 500 {
		b = influx.AppendMeasurement(b, "servers.web 1.requests")
		b = influx.AppendTag(b, "code", fmt.Sprint(i))
		b = influx.AppendField(b, true, "value", float64(i)/8)
		b = influx.AppendField(b, false, "p 99", float64(i))
		b = influx.AppendTime(b, 1760000000)
	}
	return b
}

func TestParseDoesNotAllocate(t *testing.T) {
	in := block()
	var p influx.Parser
	var pt influx.Point
	all := func() (n int) {
		for p.Reset(in); ; n++ {
			if ok, err := p.Next(&pt); !ok || err != nil {
				return n
			}
		}
	}
	require.Equal(t, 500, all())
	assert.Zero(t, testing.AllocsPerRun(10, func() { all() }))
}

func BenchmarkParse(b *testing.B) {
	in := block()
	var p influx.Parser
	var pt influx.Point
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		for p.Reset(in); ; {
			if ok, _ := p.Next(&pt); !ok {
				break
			}
		}
	}
}

// FuzzWireInflux writes what was parsed, as far as there is a way to write it,
// and wants it back; no line gives more than one point.
func FuzzWireInflux(f *testing.F) {
	for in := range points {
		f.Add([]byte(in))
	}
	for in := range wrong {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var p influx.Parser
		var pt influx.Point
		p.Reset(in)
		lines := 0
		for ; ; lines++ {
			ok, err := p.Next(&pt)
			if !ok {
				break
			}
			if err == nil {
				roundTrip(t, &pt)
			}
		}
		require.LessOrEqual(t, lines, strings.Count(string(in), "\n")+1)
	})
}

func roundTrip(t *testing.T, pt *influx.Point) {
	t.Helper()
	line := influx.AppendMeasurement(nil, pt.Measurement)
	for _, tag := range pt.Tags {
		line = influx.AppendTag(line, tag.Key, tag.Value)
	}
	if pt.Heartbeat() {
		line = influx.AppendField(line, true, "f", 1)
	}
	for i := range pt.Fields {
		v, _ := pt.Fields[i].Number()
		line = influx.AppendField(line, i == 0, pt.Fields[i].Key, v)
	}
	line = influx.AppendTime(line, pt.Time)
	var p influx.Parser
	var back influx.Point
	p.Reset(line)
	ok, err := p.Next(&back)
	require.True(t, ok)
	if tidied(pt) {
		return // two keys may have become one
	}
	require.NoError(t, err, "%q", line)
	require.Equal(t, string(pt.Measurement), string(back.Measurement))
	require.Equal(t, len(pt.Tags), len(back.Tags))
	for i := range pt.Tags {
		require.Equal(t, pt.Tags[i], back.Tags[i])
	}
	for i := range pt.Fields {
		v, _ := pt.Fields[i].Number()
		require.Equal(t, string(pt.Fields[i].Key), string(back.Fields[i].Key))
		require.Equal(t, v, back.Fields[i].Float)
	}
	ok, _ = p.Next(&back)
	require.False(t, ok, "%q", line)
}

// tidied reports whether a name has what the Append functions replace.
func tidied(pt *influx.Point) bool {
	words := [][]byte{pt.Measurement}
	for _, tag := range pt.Tags {
		words = append(words, tag.Key, tag.Value)
	}
	for i := range pt.Fields {
		words = append(words, pt.Fields[i].Key)
	}
	for i, w := range words {
		if strings.ContainsFunc(string(w), func(r rune) bool { return r < ' ' || r == 0x7f }) || w[len(w)-1] == '\\' || i == 0 && w[0] == '#' {
			return true
		}
	}
	return false
}
