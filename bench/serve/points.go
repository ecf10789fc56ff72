//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"time"
)

// points is a load of carbon's lines: series, each with a value at each step.
type points struct {
	series, steps int
	shuffled      bool          // each step has an order of its own
	start         int64         // Unix seconds of the first step
	pace          time.Duration // between two steps; 0: as fast as the server takes them
}

// step is the seconds between two points of a series: the finest tier's step.
const step = 10

func (l *points) count() int { return l.series * l.steps }

// appendName appends the name of a series.
func appendName(b []byte, i int) []byte {
	b = append(b, "bench.host"...)
	b = strconv.AppendInt(b, int64(i/100), 10)
	b = append(b, ".metric"...)
	return strconv.AppendInt(b, int64(i%100), 10)
}

// levels are where the series stand, in hundredths. A quarter of them each is
// a level that seldom moves, a level that wanders, a total that grows, and a
// count without memory.
type levels struct {
	now []int64
	rnd *rand.Rand
}

func newLevels(series int) *levels {
	return &levels{now: make([]int64, series), rnd: rand.New(rand.NewPCG(1, 2))}
}

// next moves all series on.
func (v *levels) next() {
	for i := range v.now {
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
	}
}

// appendHundredths appends v/100.
func appendHundredths(b []byte, v int64) []byte {
	if v%100 == 0 {
		return strconv.AppendInt(b, v/100, 10)
	}
	return strconv.AppendFloat(b, float64(v)/100, 'f', -1, 64)
}

// blocks makes the lines of one step, for so many connections. A series always
// comes by the same one, so that its points are in order.
func (l *points) blocks(v *levels, s, conns int) [][]byte {
	v.next()
	blocks := make([][]byte, conns)
	for c := range blocks {
		from, until := c*l.series/conns, (c+1)*l.series/conns
		order := make([]int, 0, until-from)
		for i := from; i < until; i++ {
			order = append(order, i)
		}
		if l.shuffled {
			v.rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		}
		for _, i := range order {
			b := append(appendName(blocks[c], i), ' ')
			b = append(appendHundredths(b, v.now[i]), ' ')
			blocks[c] = append(strconv.AppendInt(b, l.start+int64(s)*step, 10), '\n')
		}
	}
	return blocks
}

// streams makes the lines of so many connections: of each the lines of all steps.
func (l *points) streams(conns int) [][][]byte {
	v := newLevels(l.series)
	out := make([][][]byte, conns)
	for s := range l.steps {
		for c, b := range l.blocks(v, s, conns) {
			out[c] = append(out[c], b)
		}
	}
	return out
}

// send sends streams to a port of this host, a connection each, and returns when
// all is written.
func send(port int, streams [][][]byte, pace time.Duration) error {
	errs := make(chan error, len(streams))
	var wg sync.WaitGroup
	for _, blocks := range streams {
		wg.Go(func() { errs <- stream(port, blocks, pace) })
	}
	wg.Wait()
	for range streams {
		if err := <-errs; err != nil {
			return err
		}
	}
	return nil
}

func stream(port int, blocks [][]byte, pace time.Duration) error {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	for next := time.Now(); len(blocks) > 0; blocks = blocks[1:] {
		time.Sleep(time.Until(next))
		next = next.Add(pace)
		if _, err := conn.Write(blocks[0]); err != nil {
			return err
		}
	}
	return conn.Close()
}
