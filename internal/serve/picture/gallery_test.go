package picture_test

import (
	"fmt"
	"math"
	"math/rand"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/picture"
)

// A shown picture is one of those that golden files are kept of.
type shown struct {
	name, query string
	zone        string
	series      []picture.Series
	svg         bool   // kept as text, too
	docs        string // kept there, not in testdata
}

func (s shown) graph(t testing.TB) *picture.Graph {
	t.Helper()
	values, err := url.ParseQuery(s.query)
	require.NoError(t, err)
	p, err := picture.ParseParams(values)
	require.NoError(t, err)
	g := &picture.Graph{Series: s.series, Params: p}
	if s.zone != "" {
		g.Zone, err = time.LoadLocation(s.zone)
		require.NoError(t, err)
	}
	return g
}

// noon is Saturday, 21 November 2026, 12:00 UTC.
const noon = 1795262400

// wave is a series of n values that goes up and down around level.
func wave(name string, from, step int64, n int, level, height float64, seed int64) picture.Series {
	r := rand.New(rand.NewSource(seed))
	s := picture.Series{Name: name, Start: from, Step: step, Values: make([]float64, n)}
	drift := 0.0
	for i := range s.Values {
		drift = drift*0.97 + r.NormFloat64()*0.06
		t := float64(from+int64(i)*step) / 86400
		s.Values[i] = level + height*(0.6*math.Sin(2*math.Pi*(t+float64(seed)/9))+drift+0.03*r.NormFloat64())
	}
	return s
}

func positive(s picture.Series) picture.Series {
	for i, v := range s.Values {
		s.Values[i] = math.Max(0, v)
	}
	return s
}

func with(s picture.Series, change func(*picture.Series)) picture.Series {
	change(&s)
	return s
}

func gap(s picture.Series, from, to int) picture.Series {
	for i := from; i < to; i++ {
		s.Values[i] = math.NaN()
	}
	return s
}

func waves(n int, name string) (list []picture.Series) {
	for i := range n {
		list = append(list, wave(fmt.Sprintf(name, i+1), noon-86400, 60, 1440, 40+float64(i)*9, 20, int64(i)))
	}
	return list
}

func stacks() (list []picture.Series) {
	for i, name := range []string{"delivered", "deferred", "bounced", "rejected"} {
		list = append(list, positive(wave(name, noon-86400, 300, 288, 900/float64(i+1), 500/float64(i+1), int64(i))))
	}
	return list
}

func exponential() (list []picture.Series) {
	for i := range 3 {
		s := picture.Series{Name: fmt.Sprintf("queue.%d.length", i+1), Start: noon - 6*3600, Step: 60, Values: make([]float64, 360)}
		for j := range s.Values {
			s.Values[j] = math.Exp(float64(j)/40+float64(i)) * (1 + 0.3*math.Sin(float64(j)/(5+float64(i))))
		}
		list = append(list, s)
	}
	return list
}

// gallery has a picture of each kind that people make.
func gallery() []shown {
	load := wave("servers.mail1.load.five", noon-86400, 60, 1440, 3, 1.6, 1)
	long := waves(24, "servers.mx%02d.datacenter-frankfurt.postfix.smtpd.connections.per_second.rate1m")
	first := time.Date(2026, 10, 24, 22, 0, 0, 0, time.UTC).Unix()
	return []shown{
		{name: "line", query: "width=700&height=300&title=Load of mail1&vtitle=processes&yMin=0", series: []picture.Series{load}},
		{name: "default", series: []picture.Series{load, wave("servers.mail2.load.five", noon-86400, 60, 1440, 2.2, 1, 2)}},
		{name: "stacked", query: "width=800&height=400&areaMode=stacked&title=Mail by result&vtitle=messages a minute", zone: "Europe/Berlin", series: stacks(), docs: "picture-stacked.png"},
		{name: "stacked-alpha", query: "width=500&height=260&areaMode=stacked&areaAlpha=0.4", series: stacks()},
		{name: "second-axis", query: "width=700&height=320&title=Requests and their time&vtitle=requests/s&vtitleRight=seconds&leftWidth=2", series: []picture.Series{
			wave("requests", noon-86400, 300, 288, 1.8e6, 900e3, 3),
			with(wave("p95 of time", noon-86400, 300, 288, 0.4, 0.1, 4), func(s *picture.Series) { s.SecondY, s.Dash = true, 5 }),
		}, svg: true},
		{name: "log", query: "width=600&height=320&logBase=10&title=Queues", series: exponential()},
		{name: "staircase", query: "width=500&height=250&lineMode=staircase&lineWidth=2&hideLegend=false", series: []picture.Series{
			gap(gap(wave("with gaps", noon-7200, 120, 60, 50, 40, 5), 10, 16), 30, 31),
			with(picture.Series{Name: "threshold", Start: noon - 7200, Step: 7200, Values: []float64{70}}, func(s *picture.Series) { s.Color = "red" }),
			{Name: "deploy", Start: noon - 7200, Step: 60, Values: pulses(120, 33, 90), Infinite: true, Color: "darkgrey"},
		}, svg: true},
		{name: "pie", query: "width=500&height=360&graphType=pie&title=Where mail comes from", series: pieces(), svg: true},
		{name: "long-names", query: "width=560&height=400&hideLegend=false", series: long},
		{name: "spark", query: "width=120&height=24&graphOnly=true&lineWidth=1", series: []picture.Series{load}, svg: true},
		{name: "dark", query: "width=700&height=300&template=noc&title=Five servers&areaMode=none", zone: "America/New_York", series: waves(5, "web%d")},
		{name: "five", query: "width=700&height=300&title=Load", zone: "Europe/Berlin", docs: "picture-lines.png", series: loads()},
		{name: "plain", query: "width=700&height=300&template=plain&title=Five servers", series: waves(5, "web%d")},
		{name: "clock-change", query: "width=800&height=260&tz=Europe/Berlin&title=The night with two hours from 2 to 3", zone: "Europe/Berlin", series: []picture.Series{
			wave("visits", first, 60, 600, 300, 200, 6),
		}, docs: "picture-clock-change.png"},
		{name: "month", query: "width=700&height=260&yUnitSystem=binary&areaMode=first", series: []picture.Series{wave("disk", noon-30*86400, 3600, 720, 6e9, 2e9, 7)}},
		{name: "band", query: "width=600&height=260", series: band()},
		{name: "none", query: "width=400&height=200", svg: true},
	}
}

func pulses(n int, at ...int) []float64 {
	v := make([]float64, n)
	for _, i := range at {
		v[i] = 1
	}
	return v
}

func loads() (list []picture.Series) {
	for i := range 5 {
		list = append(list, wave(fmt.Sprintf("servers.mail%d.load.five", i+1), noon-86400, 300, 288, 1.5+float64(i)*0.7, 0.9, int64(i+3)))
	}
	return list
}

func pieces() (list []picture.Series) {
	for i, name := range []string{"gmail.com", "outlook.com", "lists", "customers", "monitoring", "others"} {
		list = append(list, picture.Series{Name: name, Step: 60, Values: []float64{[]float64{4100, 2600, 1900, 1200, 330, 90}[i]}})
	}
	return list
}

// band is what areaBetween and a line give.
func band() []picture.Series {
	middle := wave("measured", noon-86400, 300, 288, 100, 40, 8)
	low, high := middle, middle
	low.Values, high.Values = make([]float64, 288), make([]float64, 288)
	for i, v := range middle.Values {
		low.Values[i], high.Values[i] = v-15, v+18
	}
	low.Name, low.Stacked, low.Invisible, low.Color = "areaBetween", true, true, "4f5df0"
	high.Name, high.Stacked, high.Alpha, high.Color = "areaBetween", true, 0.25, "4f5df0"
	return []picture.Series{low, high, middle}
}
