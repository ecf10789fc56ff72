package parsers_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/logmetrics/logmetrics/parsers"
)

func TestSquidTruth(t *testing.T) {
	eachWebLog(t, "squid", nil, []string{"real-native", "real-combined", "nasty-native", "pub-squid-samples"}, func(t *testing.T, l webLog) {
		o := read(t, l.c, setup{})
		got := values(t, o)
		assertLines(t, &l.truth, o.stats)
		assert.EqualValues(t, l.truth.Records, got["requests"])
		assert.EqualValues(t, l.truth.BytesTotal, got["bytes"])
		assert.EqualValues(t, l.truth.ByStatus["000"], got["http_000"])
		assert.EqualValues(t, l.truth.ByClass["6xx"], got["http_other"])
		for _, class := range []string{"1xx", "2xx", "3xx", "4xx", "5xx"} {
			assert.EqualValues(t, l.truth.ByClass[class], got["http_"+class], class)
		}
		for name, n := range got {
			if code, ok := strings.CutPrefix(name, "squid_"); ok {
				assert.EqualValues(t, l.truth.ByCode[code], n, name)
			}
		}
		for code, n := range l.truth.ByCode {
			assert.EqualValues(t, n, got["squid_"+code], code)
		}
		assert.EqualValues(t, l.truth.Hits.Count, got["hits"])
		assert.EqualValues(t, l.truth.Hits.Bytes, got["hitBytes"])
		assert.InDelta(t, 100*float64(l.truth.Hits.Count)/float64(l.truth.Records), got["pctHit"], 1e-9)
		assert.InDelta(t, 100*l.truth.Hits.Bytes/l.truth.BytesTotal, got["pctByteHit"], 1e-9)
		if l.truth.ElapsedMs.Count > 0 {
			assertTimes(t, l.truth.ElapsedMs, sampleOf(t, o, "elapsed"), 1e-3)
		}
		assertStatusRates(t, &l.truth, l.c)
	})
}

func TestSquidLogsterRates(t *testing.T) {
	eachWebLog(t, "squid", nil, []string{"real-native", "real-combined", "nasty-native", "pub-squid-samples"}, func(t *testing.T, l webLog) {
		got := values(t, read(t, l.c, setup{alias: true}))
		other := l.truth.Records
		for _, code := range []string{"TCP_MISS", "TCP_DENIED", "TCP_HIT", "TCP_MEM_HIT"} {
			assert.InDelta(t, float64(l.truth.ByCode[code])/60, got["squid_"+code], 1e-9, code)
			other -= l.truth.ByCode[code]
		}
		assert.InDelta(t, float64(other)/60, got["squid_OTHER"], 1e-9)
		assert.InDelta(t, l.truth.ElapsedMs.Sum/60, got["size"], 1e-9)
	})
}

// TestSquidBoundsItsCodes reads more codes than Squid could have.
func TestSquidBoundsItsCodes(t *testing.T) {
	var log []byte
	for i := range 1000 {
		log = append(log, "1795230000.189 43 ::1 TCP_"+strconv.Itoa(i)+"/200 1 GET http://example.org/ - HIER_NONE/- -\n"...)
	}
	f, _, _ := parsers.Find("squid")
	got := values(t, read(t, logCase{factory: f, log: log}, setup{}))
	sum, names := 0.0, 0
	for name, n := range got {
		if strings.HasPrefix(name, "squid_") {
			sum += n
			names++
		}
	}
	assert.EqualValues(t, 1000, sum)
	assert.Equal(t, 257, names)
	assert.EqualValues(t, 748, got["squid_OTHER"])
}
