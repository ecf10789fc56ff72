package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

var serveKills = flag.Int("serve-kills", 3, "how often a server is killed for each protocol")

// perRound is how many series get a value in a round, and stepSec how many seconds
// later the next round's values are: a bucket of the finest tier each.
const perRound, stepSec = 500, 10

// killed is a server that is killed again and again while it is sent points at full
// load, round after round. What a series has at a round's second says which round
// it was: any other value is wrong.
type killed struct {
	*backend
	t        *testing.T
	listener string // that counts the points
	began    int64  // second of the first round
	rounds   int    // that were sent
	sure     []int  // rounds that were taken more than a second before a kill, or were there at the end
}

// looked is what the server had taken at a moment.
type looked struct {
	at     time.Time
	points int
}

// TestServeKilledAtFullLoad: for each protocol nothing that was taken more than a
// second before a kill is lost, and no value is wrong.
func TestServeKilledAtFullLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds for each protocol")
	}
	t.Parallel()
	for name, p := range map[string]struct {
		listener string
		connect  func(k *killed) (send func(round int) error, done func())
	}{
		"carbon":     {"carbon", (*killed).carbon},
		"pickle":     {"pickle", (*killed).pickle},
		"influx-udp": {"influx", (*killed).influxUDP},
		"influx":     {"http-influx", (*killed).influxHTTP},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.write("schemas.conf", "[all]\npattern = .*\nretentions = 10s:90d\n")
			now := time.Now().Unix()
			k := &killed{t: t, listener: p.listener, began: now - now%stepSec - 80*86400}
			for range *serveKills {
				k.life(s, p.connect, time.Duration(1500+rand.IntN(1500))*time.Millisecond)
			}
			began := time.Now()
			k.backend = s.serve("--schemas=" + s.file("schemas.conf"))
			took := time.Since(began)
			t.Logf("started again within %v", took)
			assert.Less(t, took, 5*time.Second, "it starts soon")
			k.ends()
			k.check(s.kept())
		})
	}
}

// life starts the server, sends for a while, and kills it.
func (k *killed) life(s *site, connect func(*killed) (func(int) error, func()), span time.Duration) {
	k.backend = s.serve("--schemas=" + s.file("schemas.conf"))
	first := k.rounds
	send, done := connect(k)
	defer done()
	var sent sync.WaitGroup
	sent.Go(func() {
		for send(k.rounds) == nil {
			k.rounds++
		}
	})
	var seen []looked
	for end := time.Now().Add(span); time.Now().Before(end); {
		points := int(k.figure(`logmetrics_ingest_points_total{listener="` + k.listener + `"}`))
		seen = append(seen, looked{time.Now(), points})
		<-time.After(20 * time.Millisecond)
	}
	at := time.Now()
	k.kill()
	sent.Wait()
	// The figure is what was taken when it was asked for, at the latest.
	before := 0
	for _, l := range seen {
		if at.Sub(l.at) > time.Second {
			before = max(before, l.points/perRound)
		}
	}
	for r := range before {
		k.sure = append(k.sure, first+r)
	}
	k.rounds++ // one may have been sent in part
}

// check compares all series with what they must have.
func (k *killed) check(db *store.DB) {
	require.NotEmpty(k.t, k.sure)
	missing, wrong, there := 0, 0, 0
	for i := range perRound {
		c, err := db.Fetch(k.t.Context(), k.name(i), store.FetchOptions{From: k.began, Until: k.began + int64(k.rounds+1)*stepSec, Step: stepSec})
		require.NoError(k.t, err)
		has := func(round int) bool {
			at := (k.began + int64(round)*stepSec - c.Start) / c.Step
			return at >= 0 && at < int64(len(c.Count)) && c.Count[at] > 0
		}
		for _, r := range k.sure {
			if !has(r) {
				missing++
			}
		}
		for n, count := range c.Count {
			if count == 0 {
				continue
			}
			there++
			if round := (c.Start + int64(n)*c.Step - k.began) / stepSec; c.Value[n] != number(int(round), i) || count != 1 {
				wrong++
			}
		}
	}
	k.t.Logf("%d kills: %d rounds of %d points sent, %d of them taken in time; %d points there", *serveKills, k.rounds, perRound, len(k.sure), there)
	assert.Zero(k.t, missing, "points that were taken in time are lost")
	assert.Zero(k.t, wrong, "points that nobody sent")
}

func (k *killed) name(i int) string { return fmt.Sprintf("kill.s%d", i) }

// number is the value of a series in a round.
func number(round, i int) float64 { return float64(round*perRound + i) }

// stream returns what sends rounds over a connection, each as text makes it.
func (k *killed) stream(source string, text func(dst []byte, round int) []byte) (send func(int) error, done func()) {
	conn := k.dial(source)
	var buf []byte
	return func(round int) error {
		buf = text(buf[:0], round)
		_, err := conn.Write(buf)
		return err
	}, func() { conn.Close() }
}

func (k *killed) carbon() (send func(int) error, done func()) {
	return k.stream("carbon-tcp", func(dst []byte, round int) []byte {
		for _, i := range shuffled() {
			dst = fmt.Appendf(dst, "%s %v %d\n", k.name(i), number(round, i), k.began+int64(round)*stepSec)
		}
		return dst
	})
}

func (k *killed) pickle() (send func(int) error, done func()) {
	return k.stream("pickle-tcp", func(dst []byte, round int) []byte {
		dst = append(dst, 0, 0, 0, 0, '(', 'l')
		for _, i := range shuffled() {
			dst = fmt.Appendf(dst, "(S'%s'\n(I%d\nF%v\ntta", k.name(i), k.began+int64(round)*stepSec, number(round, i))
		}
		dst = append(dst, '.')
		binary.BigEndian.PutUint32(dst, uint32(len(dst)-4))
		return dst
	})
}

// influxUDP sends a round in datagrams, and the next one when that was taken: what
// the kernel drops is nobody's to keep.
func (k *killed) influxUDP() (send func(int) error, done func()) {
	conn := k.dial("influx-udp")
	first := k.rounds
	return func(round int) error {
		for part := range slices.Chunk(shuffled(), 20) {
			if _, err := conn.Write(k.lines(nil, round, part)); err != nil {
				return err
			}
		}
		return k.until((round - first + 1) * perRound)
	}, func() { conn.Close() }
}

// until waits until the server has taken n points; an error is the server's end.
func (k *killed) until(n int) error {
	for {
		if int(k.figure(`logmetrics_ingest_points_total{listener="`+k.listener+`"}`)) >= n {
			return nil
		}
		select {
		case <-k.ended:
			return net.ErrClosed
		case <-time.After(time.Millisecond):
		}
	}
}

func (k *killed) influxHTTP() (send func(int) error, done func()) {
	var client http.Client
	ctx, cancel := context.WithCancel(k.t.Context())
	return func(round int) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+k.at("http")+"/write?db=d", bytes.NewReader(k.lines(nil, round, shuffled())))
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != http.StatusNoContent {
			return fmt.Errorf("%s", resp.Status)
		}
		return err
	}, cancel
}

// lines appends Influx lines of some series.
func (k *killed) lines(dst []byte, round int, series []int) []byte {
	for _, i := range series {
		dst = fmt.Appendf(dst, "%s value=%v %d\n", k.name(i), number(round, i), (k.began+int64(round)*stepSec)*1e9)
	}
	return dst
}

func shuffled() []int { return rand.Perm(perRound) }

// TestServeKilledWithStatsD: what StatsD clients sent is kept a second after the
// flush that summed it up; it is never counted twice.
func TestServeKilledWithStatsD(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	t.Parallel()
	const lines = 10 // of a datagram
	s := newSite(t)
	began := time.Now().Unix()
	sent, sure := 0, 0
	for range *serveKills {
		b := s.serve("--statsd-flush=1s")
		conn := b.dial("statsd-udp")
		var seen []looked
		datagrams := 0
		for end := time.Now().Add(time.Duration(3000+rand.IntN(1500)) * time.Millisecond); time.Now().Before(end); {
			for range 50 {
				_, err := conn.Write(bytes.Repeat([]byte("kill:1|c\n"), lines))
				require.NoError(t, err)
				datagrams++
			}
			seen = append(seen, looked{time.Now(), int(b.figure(`logmetrics_ingest_datagrams_total{listener="statsd-udp"}`))})
		}
		at := time.Now()
		b.kill()
		require.NoError(t, conn.Close())
		sent += datagrams * lines
		before := 0
		for _, l := range seen {
			if at.Sub(l.at) > 2500*time.Millisecond { // a flush, the second after it, and half of one for a machine with other things to do
				before = max(before, l.points*lines)
			}
		}
		sure += before
	}
	s.serve().ends()
	c, err := s.kept().Fetch(t.Context(), "stats_counts.kill", store.FetchOptions{From: began - 60, Until: time.Now().Unix() + 60})
	require.NoError(t, err)
	got := 0
	for i, n := range c.Count {
		if n > 0 {
			got += int(c.Sum[i])
		}
	}
	t.Logf("%d kills: %d counted, of %d sent and %d sent in time", *serveKills, got, sent, sure)
	assert.GreaterOrEqual(t, got, sure)
	assert.LessOrEqual(t, got, sent)
	assert.Positive(t, sure)
}
