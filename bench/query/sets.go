//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strconv"
	"time"
)

// set is what servers are loaded with, and asked.
type set struct {
	title     string
	series    int
	end       int64 // Unix seconds of the last points
	name      func(i int) string
	step      func(i int) int64
	points    func(i int) int
	questions []question
}

// question is something that all servers are asked, each in its own way.
type question struct {
	title string
	web   string // path of Graphite's API
	other string // path of victoria-metrics', "" for the same
	check func(body []byte) error
}

const day = 24 * 3600

// values is a thousand series of a day by minutes, and one by ten seconds.
func values() set {
	s := set{title: "values", series: 1001, end: lastMinute(),
		name: func(i int) string {
			if i == 1000 {
				return "fine.load"
			}
			return fmt.Sprintf("host.h%03d.load", i)
		},
		step: func(i int) int64 {
			if i == 1000 {
				return 10
			}
			return 60
		},
	}
	s.points = func(i int) int { return int(day / s.step(i)) }
	middle, fine, all := s.sum(500, 501), s.sum(1000, 1001), s.sum(0, 1000)
	s.questions = []question{
		s.over("1 series, 1440 points", "host.h500.load", "host.h500.load", day, 60, answer{1, 1440, middle}),
		s.over("1 series, 8640 points", "fine.load", "fine.load", day, 10, answer{1, 8640, fine}),
		s.over("sum of 1000 series, 1440 points", "sumSeries(host.*.load)", `sum({__graphite__="host.*.load"})`, day, 60, answer{1, 1440, all}),
		s.over("sum of 1000 moving averages over 10 min, 720 points", "sumSeries(movingAverage(host.*.load,'10min'))",
			`sum(avg_over_time({__graphite__="host.*.load"}[10m]))`, day/2, 60, answer{1, 720, 0}),
		s.over("1000 series, 1440 points each", "host.*.load", `{__graphite__="host.*.load"}`, day, 60, answer{1000, 1440000, all}),
	}
	return s
}

// over makes a question for the values of the last seconds before the end.
func (s *set) over(title, target, expr string, seconds, step int64, want answer) question {
	form := url.Values{"target": {target}, "from": {strconv.FormatInt(s.end-seconds, 10)}, "until": {strconv.FormatInt(s.end, 10)}, "format": {"json"}, "noCache": {"1"}}
	other := url.Values{"query": {expr}, "start": {strconv.FormatInt(s.end-seconds+step, 10)}, "end": {strconv.FormatInt(s.end, 10)},
		"step": {strconv.FormatInt(step, 10)}, "nocache": {"1"}}
	return question{title: title, web: "/render?" + form.Encode(), other: "/api/v1/query_range?" + other.Encode(), check: want.of}
}

// sum adds up the values of series.
func (s *set) sum(from, until int) (total float64) {
	for i := from; i < until; i++ {
		for _, v := range s.values(i) {
			total += float64(v) / 100
		}
	}
	return total
}

// values returns those of a series, in hundredths: of four one is a level that
// seldom moves, one wanders, one is a total that grows, one has no memory.
func (s *set) values(i int) []int64 {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	list, at := make([]int64, s.points(i)), r.Int64N(10_000)
	for k := range list {
		switch i % 4 {
		case 0:
			if r.IntN(50) == 0 {
				at = 100 * r.Int64N(1000)
			}
		case 1:
			at = max(0, at+r.Int64N(201)-100)
		case 2:
			at += 100 * r.Int64N(1000)
		default:
			at = 100 * r.Int64N(100)
		}
		list[k] = at
	}
	return list
}

// catalogue is names p00.h00.m0 of so many machines in each of a hundred places, a point each.
func catalogue(n int) set {
	machines := n / 1000
	width := len(strconv.Itoa(machines - 1))
	s := set{title: fmt.Sprintf("%d names", n), series: n, end: lastMinute(),
		name: func(i int) string {
			return fmt.Sprintf("p%02d.h%0*d.m%d", i/(10*machines), width, i/10%machines, i%10)
		},
		step:   func(int) int64 { return 60 },
		points: func(int) int { return 1 },
	}
	if machines == 100 {
		s.questions = []question{find("p1?.h*.m3", 1000), find("*.h5*.*", 10_000), find("*.*.m7", 10_000), {title: "index.json", web: "/metrics/index.json", check: names(n).found}}
	} else {
		s.questions = []question{find("p1*.h*.m3", 10*machines), find("*.h50*.*", machines/100*1000), find("*.*.m7", 100*machines)}
	}
	return s
}

// find asks for the names that a pattern matches. victoria-metrics finds those that end alike as one; it is
// asked to expand the pattern, which brings all.
func find(glob string, want int) question {
	query := "?format=completer&query=" + url.QueryEscape(glob)
	return question{title: fmt.Sprintf("find `%s`, %d", glob, want), web: "/metrics/find" + query, other: "/metrics/expand" + query, check: names(want).found}
}

// lastMinute is the begin of this minute.
func lastMinute() int64 { return time.Now().Unix() / 60 * 60 }
