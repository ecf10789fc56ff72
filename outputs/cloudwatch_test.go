package outputs_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/metric"
	"github.com/logmetrics/logmetrics/outputs"
)

// cloudWatch has the keys of AWS's examples.
var cloudWatch = outputs.CloudWatchOptions{
	Region: "eu-central-1", Dimensions: metric.Tags{{Key: "Host", Value: "web 1/a"}, {Key: "method", Value: "hidden by the tag"}},
	Credentials: func() (outputs.AWSCredentials, error) { return awsExample, nil },
}

var awsExample = outputs.AWSCredentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", SessionToken: "a/session+token=="}

// datum is a MetricDatum as CloudWatch reads it.
type datum struct {
	name, timestamp, unit string
	dimensions            map[string]string
	values                map[float64]float64 // and how often each occurred
}

func (d datum) count() (n float64) {
	for _, count := range d.values {
		n += count
	}
	return n
}

func (d datum) sum() (sum float64) {
	for value, count := range d.values {
		sum += value * count
	}
	return sum
}

// putMetricData reads a request as CloudWatch does, with its limits.
func putMetricData(t testing.TB, body []byte) (data []datum) {
	t.Helper()
	require.LessOrEqual(t, len(body), 1_000_000)
	form, err := url.ParseQuery(string(body))
	require.NoError(t, err)
	one := func(key string) string {
		require.Len(t, form[key], 1, key)
		value := form.Get(key)
		form.Del(key)
		return value
	}
	require.Equal(t, "PutMetricData", one("Action"))
	require.Equal(t, "2010-08-01", one("Version"))
	require.Equal(t, "logmetrics", one("Namespace"))
	for i := 1; form.Has(fmt.Sprintf("MetricData.member.%d.MetricName", i)); i++ {
		at := fmt.Sprintf("MetricData.member.%d.", i)
		d := datum{name: one(at + "MetricName"), timestamp: one(at + "Timestamp"), unit: one(at + "Unit"), dimensions: map[string]string{}, values: map[float64]float64{}}
		for j := 1; form.Has(fmt.Sprintf("%sDimensions.member.%d.Name", at, j)); j++ {
			key := one(fmt.Sprintf("%sDimensions.member.%d.Name", at, j))
			require.NotContains(t, d.dimensions, key)
			d.dimensions[key] = one(fmt.Sprintf("%sDimensions.member.%d.Value", at, j))
		}
		if form.Has(at + "Value") {
			d.values[number(t, one(at+"Value"))] = 1
		}
		for j := 1; form.Has(fmt.Sprintf("%sValues.member.%d", at, j)); j++ {
			v := number(t, one(fmt.Sprintf("%sValues.member.%d", at, j)))
			require.NotContains(t, d.values, v)
			d.values[v] = number(t, one(fmt.Sprintf("%sCounts.member.%d", at, j)))
		}
		require.LessOrEqual(t, len(d.values), 150)
		require.NotEmpty(t, d.values)
		require.LessOrEqual(t, len(d.dimensions), 30)
		require.LessOrEqual(t, len(d.name), 255)
		data = append(data, d)
	}
	require.Empty(t, form, "something is left over")
	require.LessOrEqual(t, len(data), 1000)
	return data
}

func number(t testing.TB, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	require.True(t, v == 0 || math.Abs(v) >= 0x1p-360 && math.Abs(v) <= 0x1p360, text)
	return v
}

func strictCloudWatch(t *testing.T, v variant, packet []byte) int {
	data := putMetricData(t, packet)
	for _, d := range data {
		require.Equal(t, "2025-10-09T08:53:20Z", d.timestamp)
		checkName(t, v, []byte(d.name))
		for key, value := range d.dimensions {
			if key != "Host" && key != "method" {
				checkTag(t, []byte(key), []byte(value))
			}
		}
	}
	return len(data)
}

// cloudWatchData is what an output would send for a batch.
func cloudWatchData(t testing.TB, b *metric.Batch) (data []datum, requests int) {
	t.Helper()
	outputs.Packets(t, "cloudwatch", outputs.Options{CloudWatch: cloudWatch}, b, func(p []byte) {
		data = append(data, putMetricData(t, p)...)
		requests++
	})
	return data, requests
}

func TestCloudWatchData(t *testing.T) {
	data, _ := cloudWatchData(t, sampleBatch())
	byName := map[string]datum{}
	for _, d := range data {
		byName[d.name] = d
	}
	all := map[string]string{"Host": "web 1/a", "method": "hidden by the tag"}
	const at = "2025-10-09T08:53:20Z"
	for _, want := range []datum{
		{"servers.web1.numSent.test", at, "Count", all, map[float64]float64{97: 1}},
		{"servers.web1.idle.counter.test", at, "Count", all, map[float64]float64{0: 1}},
		{"servers.web1.change.test", at, "None", all, map[float64]float64{-5.25: 1}},
		{"servers.web1.delay.test", at, "Seconds", all, map[float64]float64{-1: 1, .0123: 1, .1: 1, 2: 1}},
		{"servers.web1.clients.test", at, "Count", all, map[float64]float64{4: 1}},
		{"servers.web1.requests.test", at, "Count", map[string]string{"Host": "web 1/a", "code": "200", "method": "GET"}, map[float64]float64{7: 1}},
		{"servers.web1.time.test", at, "Seconds", map[string]string{"Host": "web 1/a", "method": "hidden by the tag", "path": "_a_b"}, map[float64]float64{.25: 1}},
	} {
		assert.Equal(t, want, byName[want.name])
	}
	assert.NotContains(t, byName, "servers.web1.idle.timer.test", "CloudWatch knows no timer without values")
}

// TestCloudWatchUnits maps what parsers call them.
func TestCloudWatchUnits(t *testing.T) {
	for text, want := range map[string]string{
		"Percentage Sent": "Percent", "Responses per sec": "Count/Second", "seconds": "Seconds", "ms": "Milliseconds", "bytes": "Bytes",
		"Average Sending Delay": "None", "": "None", "Logs per 10 sec": "None",
	} {
		data, _ := cloudWatchData(t, &metric.Batch{Samples: []metric.Sample{metric.NewGauge("g", 1, metric.Shortest, text)}})
		assert.Equal(t, want, data[0].unit, text)
	}
}

// TestCloudWatchTimers keeps each value and how often it occurred, and of a
// sketch how many values there were.
func TestCloudWatchTimers(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	for _, n := range []int{1, 150, 151, 4000, metric.MaxExact + 1 + rnd.IntN(100_000)} {
		r := metric.NewRecorder(metric.RecorderOptions{})
		id := r.Series("t", metric.Timer, metric.Shortest)
		want := map[float64]float64{}
		sum := 0.0
		for range n {
			v := float64(rnd.IntN(3000)-100) / 64
			want[v]++
			sum += v
			r.Observe(id, v)
		}
		b := &metric.Batch{}
		r.Flush(b)
		data, _ := cloudWatchData(t, b)
		got, total, count := map[float64]float64{}, 0.0, 0.0
		for _, d := range data {
			total += d.sum()
			count += d.count()
			for v, times := range d.values {
				got[v] += times
			}
		}
		assert.Equal(t, float64(n), count)
		if n <= metric.MaxExact {
			assert.Equal(t, want, got)
		} else {
			assert.InEpsilon(t, sum, total, .01)
		}
	}
}

// TestCloudWatchRequests are filled, and not over their limits.
func TestCloudWatchRequests(t *testing.T) {
	big := bigBatch()
	big.Samples = big.Samples[:5001]
	data, requests := cloudWatchData(t, big)
	assert.Len(t, data, 5001)
	assert.Equal(t, 6, requests)
	assert.Equal(t, "servers.web1.requests.node0005000.with.a.long.name.count", data[5000].name)

	wide := &metric.Batch{Stamp: 1760000000}
	for i := range 300 {
		s := metric.NewGauge(fmt.Sprintf("%s%d", strings.Repeat("x", 600), i), float64(i), metric.Shortest, "")
		for j := range 40 {
			s.Tags = append(s.Tags, metric.Tag{Key: fmt.Sprintf("k%02d", j), Value: strings.Repeat("v", 300)})
		}
		wide.Samples = append(wide.Samples, s)
	}
	data, requests = cloudWatchData(t, wide)
	assert.Equal(t, 4, requests)
	names := map[string]bool{}
	for _, d := range data {
		names[d.name] = true
		assert.Len(t, d.dimensions, 30)
	}
	assert.Len(t, names, 300, "names that are cut stay different")
}

func TestCloudWatchValues(t *testing.T) {
	for v, want := range map[float64]float64{math.MaxFloat64: 0x1p360, -math.MaxFloat64: -0x1p360, 1e-200: 0, -5e-324: 0, 1e100: 1e100, 1e-100: 1e-100} {
		data, _ := cloudWatchData(t, &metric.Batch{Samples: []metric.Sample{metric.NewGauge("g", v, metric.Shortest, "")}})
		assert.Equal(t, map[float64]float64{want: 1}, data[0].values)
	}
}

func TestCloudWatchOptionsAreChecked(t *testing.T) {
	f, ok := outputs.Find("cloudwatch")
	require.True(t, ok)
	tag := func(key, value string) metric.Tags { return metric.Tags{{Key: key, Value: value}} }
	var many metric.Tags
	for i := range 31 {
		many = append(many, metric.Tag{Key: fmt.Sprint(i), Value: "v"})
	}
	for want, own := range map[string]outputs.CloudWatchOptions{
		"no region":      {},
		"region \"a/b\"": {Region: "a/b"},
		"namespace":      {Region: "r", Namespace: "AWS/EC2"},
		"namespace \"a ": {Region: "r", Namespace: "a b"},
		"31 dimensions":  {Region: "r", Dimensions: many},
		`dimension "":`:  {Region: "r", Dimensions: tag(":a", "b")},
		`dimension ""`:   {Region: "r", Dimensions: tag("", "b")},
		`="\n"`:          {Region: "r", Dimensions: tag("a", "\n")},
		"given twice":    {Region: "r", Dimensions: append(tag("a", "b"), tag("a", "c")...)},
	} {
		_, err := f.New(outputs.Options{CloudWatch: own})
		require.Error(t, err, want)
		assert.ErrorContains(t, err, "cloudwatch: ")
		assert.ErrorContains(t, err, strings.ReplaceAll(want, `"":`, `":`))
	}
}

// TestCloudWatchWithoutCredentials keeps the batch.
func TestCloudWatchWithoutCredentials(t *testing.T) {
	own := cloudWatch
	for _, own.Credentials = range []func() (outputs.AWSCredentials, error){
		nil, func() (c outputs.AWSCredentials, err error) { return c, errors.New("the file is away") },
	} {
		err := newVariant(t, variant{"cloudwatch", "", outputs.Options{CloudWatch: own}}).Write(t.Context(), sampleBatch())
		require.ErrorContains(t, err, "credentials: ")
		assert.NotErrorIs(t, err, outputs.ErrPermanent)
	}
}
