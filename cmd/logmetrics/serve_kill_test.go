package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

var serveKills = flag.Int("serve-kills", 0, "how often a server is killed for each protocol, one after the other; 0: three times for all at once")

// load sends to a server that is killed again and again, as much as it takes, and
// knows what must be left of it.
type load interface {
	// send connects to the server, and sends until it is gone.
	send(b *backend)
	// look reads from /metrics how much was taken.
	look(page string, at time.Time)
	// killed is told when that was, once send has returned.
	killed(at time.Time)
	// check compares what the store has with what it must have.
	check(t *testing.T, db *store.DB)
}

// TestServeKilledAtFullLoad: nothing that was taken more than a second before
// kill -9 is lost (StatsD: more than a second before a flush), no value is wrong,
// and the server starts again within 5 s.
func TestServeKilledAtFullLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	t.Parallel()
	if *serveKills == 0 {
		var all []load
		for name := range protocols {
			all = append(all, newRounds(name))
		}
		kills(t, 3, append(all, &hits{})...)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(protocols)) {
		t.Run(name, func(t *testing.T) { kills(t, *serveKills, newRounds(name)) })
	}
	t.Run("statsd", func(t *testing.T) { kills(t, *serveKills, &hits{}) })
}

// kills has a server live n times, and looks at what is left.
func kills(t *testing.T, n int, loads ...load) {
	s := newSite(t)
	s.write("schemas.conf", "[all]\npattern = .*\nretentions = 10s:90d\n")
	serve := func() *backend { return s.serve("--statsd-flush=1s", "--schemas="+s.file("schemas.conf")) }
	var slowest time.Duration
	for range n {
		began := time.Now()
		b := serve()
		slowest = max(slowest, time.Since(began))
		live(b, loads)
	}
	began := time.Now()
	b := serve()
	slowest = max(slowest, time.Since(began))
	b.ends()
	t.Logf("%d kills; started within %v", n, slowest)
	assert.Less(t, slowest, 5*time.Second, "it starts soon")
	db := s.kept()
	for _, l := range loads {
		l.check(t, db)
	}
}

// live loads a server for a while, and kills it. That is long enough for a flush
// of StatsD's to be a second old.
func live(b *backend, loads []load) {
	var sending sync.WaitGroup
	for _, l := range loads {
		sending.Go(func() { l.send(b) })
	}
	for end := time.Now().Add(2800*time.Millisecond + rand.N(700*time.Millisecond)); time.Now().Before(end); {
		_, page := get(b.t, b.at("http"), "/metrics")
		at := time.Now() // what the page shows was taken by now
		for _, l := range loads {
			l.look(page, at)
		}
		<-time.After(40 * time.Millisecond)
	}
	at := time.Now()
	b.kill()
	sending.Wait()
	for _, l := range loads {
		l.killed(at)
	}
}

// taken are the numbers that were seen in /metrics, by when.
type taken []struct {
	at time.Time
	n  int
}

func (k *taken) add(at time.Time, n float64) {
	*k = append(*k, struct {
		at time.Time
		n  int
	}{at, int(n)})
}

// before returns what had been seen at a time, and begins anew.
func (k *taken) before(at time.Time) (n int) {
	for _, l := range *k {
		if l.at.Before(at) {
			n = max(n, l.n)
		}
	}
	*k = nil
	return n
}

// perRound is how many series get a value in a round, and stepSec how many seconds
// later the next round's values are: a bucket of the finest tier each.
const perRound, stepSec = 500, 10

// rounds is a load of points, round after round. What a series has at a round's
// second says which round it was: any other value is wrong.
type rounds struct {
	name     string
	protocol protocol
	began    int64 // second of the first round
	first    int   // of this life of the server
	sent     int   // rounds, in all lives; perhaps the last of each in part
	sure     []int // rounds that must be there
	taken    taken
}

func newRounds(name string) *rounds {
	now := time.Now().Unix()
	return &rounds{name: name, protocol: protocols[name], began: now - now%stepSec - 80*86400}
}

func (r *rounds) send(b *backend) {
	r.first = r.sent
	send, done := r.protocol.connect(r, b)
	defer done()
	for send(r.sent) == nil {
		r.sent++
	}
	r.sent++ // one may have been sent in part
}

func (r *rounds) look(page string, at time.Time) {
	r.taken.add(at, figure(page, `logmetrics_ingest_points_total{listener="`+r.protocol.listener+`"}`))
}

func (r *rounds) killed(at time.Time) {
	for n := range r.taken.before(at.Add(-time.Second)) / perRound {
		r.sure = append(r.sure, r.first+n)
	}
}

func (r *rounds) check(t *testing.T, db *store.DB) {
	assert.NotEmpty(t, r.sure, r.name)
	missing, wrong, there := 0, 0, 0
	gone := make(map[int]bool)
	for i := range perRound {
		c, err := db.Fetch(t.Context(), r.series(i), store.FetchOptions{From: r.began, Until: r.at(r.sent + 1), Step: stepSec})
		require.NoError(t, err, r.series(i))
		has := make([]bool, r.sent+2)
		for n, count := range c.Count {
			if count == 0 {
				continue
			}
			there++
			round := int((c.Start + int64(n)*c.Step - r.began) / stepSec)
			has[round] = true
			if c.Value[n] != r.value(round, i) || count != 1 {
				wrong++
			}
		}
		for _, round := range r.sure {
			if !has[round] {
				missing++
				gone[round] = true
			}
		}
	}
	t.Logf("%s: %d points sent, %d must be there, %d are", r.name, r.sent*perRound, len(r.sure)*perRound, there)
	assert.Zero(t, missing, "%s: points that were taken in time are lost, of rounds %v", r.name, gone)
	assert.Zero(t, wrong, "%s: points that nobody sent", r.name)
}

func (r *rounds) series(i int) string { return fmt.Sprintf("kill_%s_s%d", r.name, i) }

// at is the second of a round's values.
func (r *rounds) at(round int) int64 { return r.began + int64(round)*stepSec }

// value is that of a series in a round.
func (r *rounds) value(round, i int) float64 { return float64(round*perRound + i) }

// hits is a load of StatsD's counters. What was sent in time must be counted, and
// no more than was sent.
type hits struct {
	sent, sure int
	taken      taken
}

// hitsPerDatagram is how many lines there are in one.
const hitsPerDatagram = 10

func (h *hits) send(b *backend) {
	conn := b.dial("statsd-udp")
	defer conn.Close()
	datagram := bytes.Repeat([]byte("kill_hits:1|c\n"), hitsPerDatagram)
	for {
		if _, err := conn.Write(datagram); err != nil {
			return // the port is gone
		}
		h.sent += hitsPerDatagram
	}
}

func (h *hits) look(page string, at time.Time) {
	h.taken.add(at, figure(page, `logmetrics_ingest_datagrams_total{listener="statsd-udp"}`))
}

// killed takes for sure what was there a flush, a second, and half a one for a
// machine with other things to do, before.
func (h *hits) killed(at time.Time) {
	h.sure += h.taken.before(at.Add(-2500*time.Millisecond)) * hitsPerDatagram
}

func (h *hits) check(t *testing.T, db *store.DB) {
	now := time.Now().Unix()
	c, err := db.Fetch(t.Context(), "stats_counts.kill_hits", store.FetchOptions{From: now - 3600, Until: now + 60})
	require.NoError(t, err)
	got := 0
	for i, n := range c.Count {
		if n > 0 {
			got += int(c.Sum[i])
		}
	}
	t.Logf("statsd: %d sent, %d must be there, %d are", h.sent, h.sure, got)
	assert.Positive(t, h.sure)
	assert.GreaterOrEqual(t, got, h.sure, "statsd: lost what was sent in time")
	assert.LessOrEqual(t, got, h.sent, "statsd: counted what nobody sent")
}
