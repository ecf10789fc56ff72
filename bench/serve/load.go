package main

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"
)

// load is the points of a run of carbon: series, each at steps.
type load struct {
	series, steps int
	shuffled      bool // each step has an order of its own
	start         int64
}

// step is the seconds between two points of a series: the finest tier's step.
const step = 10

func (l *load) points() int { return l.series * l.steps }

// name appends the name of a series.
func name(b []byte, i int) []byte {
	b = append(b, "bench.host"...)
	b = strconv.AppendInt(b, int64(i/100), 10)
	b = append(b, ".metric"...)
	return strconv.AppendInt(b, int64(i%100), 10)
}

// values are where the series stand, in hundredths. A quarter of them each is
// a level that seldom moves, a level that wanders, a total that grows, and a
// count without memory.
type values struct {
	now []int64
	rnd *rand.Rand
}

func newValues(series int) *values {
	return &values{now: make([]int64, series), rnd: rand.New(rand.NewPCG(1, 2))}
}

// next returns the next value of series i; each series is asked in each step, in
// the order of their numbers.
func (v *values) next(i int) int64 {
	switch i % 4 {
	case 0:
		if v.rnd.IntN(50) == 0 {
			v.now[i] = 100 * v.rnd.Int64N(1000)
		}
	case 1:
		v.now[i] += v.rnd.Int64N(201) - 100
	case 2:
		v.now[i] += 100 * v.rnd.Int64N(1000)
	default:
		v.now[i] = 100 * v.rnd.Int64N(100)
	}
	return v.now[i]
}

// appendHundredths appends v/100.
func appendHundredths(b []byte, v int64) []byte {
	if v%100 == 0 {
		return strconv.AppendInt(b, v/100, 10)
	}
	return strconv.AppendFloat(b, float64(v)/100, 'f', -1, 64)
}

// blocks makes the lines of one step, cut among conns connections.
func (l *load) blocks(v *values, s, conns int) [][]byte {
	order := make([]int, l.series)
	for i := range order {
		order[i] = i
	}
	level := make([]int64, l.series)
	for i := range level {
		level[i] = v.next(i)
	}
	if l.shuffled {
		v.rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	blocks := make([][]byte, conns)
	for n, i := range order {
		b := name(blocks[n*conns/len(order)], i)
		b = append(b, ' ')
		b = appendHundredths(b, level[i])
		b = append(b, ' ')
		b = strconv.AppendInt(b, l.start+int64(s)*step, 10)
		blocks[n*conns/len(order)] = append(b, '\n')
	}
	return blocks
}

// send sends all points over conns connections, and returns how long it took
// until the last byte was written. The lines are made beforehand.
func (l *load) send(address string, conns int) (time.Duration, error) {
	v := newValues(l.series)
	streams := make([][][]byte, conns)
	for s := range l.steps {
		for c, b := range l.blocks(v, s, conns) {
			streams[c] = append(streams[c], b)
		}
	}
	begin := time.Now()
	errs := make([]error, conns)
	var wg sync.WaitGroup
	for c := range conns {
		wg.Go(func() { errs[c] = stream(address, streams[c]) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

func stream(address string, blocks [][]byte) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	for _, b := range blocks {
		if _, err := conn.Write(b); err != nil {
			return err
		}
	}
	return conn.Close()
}

// sendStatsd sends lines as counters in datagrams of perPacket lines, as fast as
// it goes, at most rate lines a second.
func sendStatsd(address string, names, perPacket, lines, rate int) (time.Duration, error) {
	conn, err := net.Dial("udp", address)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	deck := statsdDeck(names, perPacket)
	begin := time.Now()
	for sent := 0; sent < lines; {
		if _, err := conn.Write(deck[sent/perPacket%len(deck)]); err != nil {
			continue // the datagram is lost, as it would be for any sender
		}
		sent += perPacket
		if ahead := time.Duration(sent)*time.Second/time.Duration(rate) - time.Since(begin); ahead > time.Millisecond {
			time.Sleep(ahead)
		}
	}
	return time.Since(begin), nil
}

// statsdDeck is datagrams in which each name is about as often as the others.
func statsdDeck(names, perPacket int) (deck [][]byte) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range max(1000, 2*names/perPacket) {
		var b []byte
		for range perPacket {
			b = append(name(b, rnd.IntN(names)), ":1|c\n"...)
		}
		deck = append(deck, b[:len(b)-1])
	}
	return deck
}
