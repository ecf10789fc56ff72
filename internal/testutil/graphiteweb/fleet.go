package graphiteweb

import (
	"hash/fnv"
	"math"
)

// FleetNow is where the clock stands for [Fleet]: Monday 2026-03-02 12:10:37 UTC,
// in the middle of a step of each of its archives.
const FleetNow int64 = 1772453437

// What the series of Fleet are kept in.
var (
	fine   = [][2]int64{{10, 2160}, {60, 2880}}                // 10 s for 6 hours, 1 min for 2 days
	usual  = [][2]int64{{60, 2880}, {600, 2016}}               // 1 min for 2 days, 10 min for 14
	coarse = [][2]int64{{300, 2016}}                           // 5 min for a week
	odd    = [][2]int64{{90, 1920}}                            // with 60 s its common step is 180 s
	long   = [][2]int64{{60, 1440}, {300, 2016}, {3600, 8760}} // 1 min a day, 5 min a week, 1 h a year
)

// Fleet is a small site, the same each time: hosts with gauges and counters,
// series with holes, resets, spikes, negative and extreme values, several steps,
// and some with tags.
func Fleet() []Series {
	var all []Series
	for _, host := range []string{"web1", "web2", "web10", "db1", "db2"} {
		all = append(all, server(host)...)
	}
	all = append(all, application()...)
	all = append(all, shapes()...)
	all = append(all, steps()...)
	return append(all, tagged()...)
}

func server(host string) []Series {
	p := "servers." + host
	return []Series{
		gauge(p+".cpu.user", 40, 15), gauge(p+".cpu.system", 10, 4), gauge(p+".cpu.idle", 50, 18),
		gauge(p+".mem.used", 6000, 900), series(p+".mem.total", usual, func(int64) float64 { return 8192 }),
		counter(p+".net.rx", 1500, 5*3600), counter(p+".net.tx", 700, 11*3600),
	}
}

// application has what StatsD writes, and names that are awkward.
func application() []Series {
	all := []Series{
		gauge("stats.timers.checkout.mean", 120, 30), gauge("stats.timers.checkout.upper_90", 180, 60),
		method("max", gauge("stats.timers.checkout.upper", 250, 100)), method("min", gauge("stats.timers.checkout.lower", 20, 15)),
		method("sum", gauge("stats.timers.checkout.count", 60, 20)), method("sum", gauge("stats_counts.logins", 9, 8)),
		gauge("stats.timers.search.mean", 45, 12), gauge("stats.timers.search.upper_90", 90, 30),
		gauge("odd.with-dash", 5, 1), gauge("odd.with_under", 6, 1), gauge("odd.a:b", 7, 1), gauge("odd.UPPER", 8, 1),
		gauge("odd.100", 9, 1), gauge("odd.#hash", 4, 1), gauge("odd.pct%", 3, 1), gauge("odd.at@home", 2, 1), gauge("odd.branch", 1, 1),
		gauge("odd.branch.leaf", 1, 1), gauge("deep.a.b.c.d.e.f", 10, 3), gauge("single", 10, 3),
	}
	return all
}

// shapes are about values.
func shapes() []Series {
	return []Series{
		series("shape.ramp", usual, func(i int64) float64 { return float64(i % 1440) }),
		series("shape.zero", usual, func(int64) float64 { return 0 }),
		series("shape.one", usual, func(int64) float64 { return 1 }),
		series("shape.negative", usual, func(i int64) float64 { return -float64(i%7) - 0.25 }),
		series("shape.sine", usual, func(i int64) float64 { return round(50*math.Sin(float64(i)/30), 4) }),
		series("shape.spikes", usual, func(i int64) float64 {
			if i%97 == 0 {
				return 5000
			}
			return float64(i % 5)
		}),
		series("shape.thirds", usual, func(i int64) float64 { return float64(i%10) / 3 }),
		series("shape.tiny", usual, func(i int64) float64 { return float64(i%9+1) * 1.5e-12 }),
		series("shape.huge", usual, func(i int64) float64 { return float64(i%9+1) * 2.5e17 }),
		series("shape.signs", usual, func(i int64) float64 { return float64(i%11) - 5 }),
		series("shape.step", usual, func(i int64) float64 { return float64(i / 60 % 4) }),
		holes("holes.third", func(i int64) bool { return i%3 == 1 }),
		holes("holes.most", func(i int64) bool { return i%17 != 3 }),
		holes("holes.gap", func(i int64) bool { return i%60 >= 20 && i%60 < 45 }),
		holes("holes.recent", func(i int64) bool { return i >= total(usual)-10 }),
		holes("holes.old", func(i int64) bool { return i < total(usual)-30 }),
		holes("holes.all", func(i int64) bool { return i > 0 }), // but one, long ago: else we would not know its name
		holes("holes.random", func(i int64) bool { return noise("holes", i) < 0.3 }),
		counter("counters.even", 10, 0), counter("counters.resets", 100, 1300),
		holes2("counters.holes", counter("counters.holes", 25, 4000), func(i int64) bool { return i%13 == 4 }),
		series("counters.wrap8", usual, func(i int64) float64 { return float64(i * 7 % 256) }),
		series("counters.down", usual, func(i int64) float64 { return 100000 - float64(3*i) }),
	}
}

// steps are about times.
func steps() []Series {
	saw := func(i int64) float64 { return float64(i%30) + 0.5 }
	return []Series{
		series("steps.s10", fine, saw), series("steps.s60", usual, saw), series("steps.s300", coarse, saw), series("steps.s90", odd, saw),
		method("sum", series("steps.sum", long, saw)), method("max", series("steps.max", long, saw)),
		method("min", series("steps.min", long, saw)), method("last", series("steps.last", long, saw)), series("steps.average", long, saw),
	}
}

func tagged() []Series {
	var all []Series
	for i, tags := range []string{
		"datacenter=dc1;rack=a1;server=web01", "datacenter=dc1;rack=a2;server=web02", "datacenter=dc1;rack=b1;server=db01",
		"datacenter=dc2;rack=a1;server=web03", "datacenter=dc2;server=db02",
	} {
		all = append(all, gauge("disk.used;"+tags, float64(100*(i+1)), 10), gauge("disk.free;"+tags, float64(50*(i+1)), 5))
	}
	for _, tags := range []string{"method=GET;status=200", "method=GET;status=404", "method=POST;status=200", "method=POST;status=500"} {
		all = append(all, counter("http.requests;"+tags, 30, 9*3600))
	}
	return all
}

// total is how many steps of its finest archive a series is filled with.
func total(archives [][2]int64) int64 { return archives[0][1] }

// series has a value in each step of its finest archive, up to FleetNow.
func series(name string, archives [][2]int64, value func(i int64) float64) Series {
	s := Series{Name: name, Method: "average", XFF: 0.5, Archives: archives}
	step, n := archives[0][0], total(archives)
	last := FleetNow / step * step
	for i := range n {
		s.Points = append(s.Points, Point{last - (n-1-i)*step, value(i)})
	}
	return s
}

func gauge(name string, level, spread float64) Series {
	return series(name, usual, func(i int64) float64 {
		wave := math.Sin(2 * math.Pi * float64(i%1440) / 1440)
		return round(level+spread*(0.6*wave+0.8*(noise(name, i)-0.5)), 3)
	})
}

// counter grows by about rate a second and starts again from 0 after reset
// seconds, if that is not 0.
func counter(name string, rate float64, reset int64) Series {
	sum := 0.0
	return method("last", series(name, usual, func(i int64) float64 {
		if reset != 0 && (i*60+1800)%reset < 60 {
			sum = 0
		}
		sum += math.Floor(60 * rate * (0.5 + noise(name, i)))
		return sum
	}))
}

func method(m string, s Series) Series {
	s.Method, s.XFF = m, 0
	return s
}

func holes(name string, hole func(i int64) bool) Series {
	return holes2(name, gauge(name, 100, 40), hole)
}

// holes2 takes points away.
func holes2(name string, s Series, hole func(i int64) bool) Series {
	var kept []Point
	for i, p := range s.Points {
		if !hole(int64(i)) {
			kept = append(kept, p)
		}
	}
	s.Name, s.Points = name, kept
	return s
}

// Twice is what else a carbon client may send of the same series: each point
// again, and before it another one in the same step, which the later one
// replaces.
func Twice(all []Series) []Series {
	out := make([]Series, 0, len(all))
	for _, s := range all {
		step := s.Archives[0][0]
		var points []Point
		for _, p := range s.Points {
			points = append(points, Point{p.Time, p.Value + 1000}, Point{p.Time + step/2, p.Value}, Point{p.Time + step/2, p.Value})
		}
		s.Points = points
		out = append(out, s)
	}
	return out
}

// noise is from [0,1), and the same for the same arguments.
func noise(name string, i int64) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	x := h.Sum64() + uint64(i)*0x9E3779B97F4A7C15
	x ^= x >> 30
	x *= 0xBF58476D1CE4E5B9
	x ^= x >> 27
	x *= 0x94D049BB133111EB
	x ^= x >> 31
	return float64(x>>11) / (1 << 53)
}

// round cuts a value to some decimals, so that it is the same on any machine.
func round(v float64, decimals int) float64 {
	p := math.Pow10(decimals)
	return math.Round(v*p) / p
}
