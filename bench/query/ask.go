//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/logmetrics/logmetrics/bench/process"
)

// server is a peer that runs and has the data of a set.
type server struct {
	*process.Process
	port  int
	other bool // it is asked in the other way for values
}

// measure starts a peer with the data of a set, and asks it all questions.
func (s *set) measure(p *peer, t *table) error {
	return process.InDirectory(func(dir string) error {
		running, err := p.start(s, dir)
		if err != nil {
			return err
		}
		defer running.End(syscall.SIGTERM)
		for i, q := range s.questions {
			took, err := running.ask(q)
			if err != nil && p.ours {
				return fmt.Errorf("%s: %w", q.title, err)
			}
			t.add(i, p, took, err)
		}
		resident, _ := running.Memory()
		t.memory[p.name] = resident
		return nil
	})
}

// How often a question is repeated: for a while, but so often at least and at most.
const (
	repeatFor = 1500 * time.Millisecond
	repeatMin = 4
	repeatMax = 100
)

// ask returns how long a question took each time; the first time it is checked, and not measured.
func (s *server) ask(q question) (took []time.Duration, err error) {
	path := q.web
	if s.other && q.other != "" {
		path = q.other
	}
	body, _, err := s.get(path)
	if err != nil {
		return nil, err
	}
	if err := q.check(body); err != nil {
		return nil, err
	}
	begin := time.Now()
	for len(took) < repeatMin || len(took) < repeatMax && time.Since(begin) < repeatFor {
		_, d, err := s.get(path)
		if err != nil {
			return nil, err
		}
		took = append(took, d)
	}
	return took, nil
}

// client keeps its connection, and takes answers as they are.
var client = &http.Client{Transport: &http.Transport{DisableCompression: true}}

// get returns an answer, and how long it took until its last byte was there.
func (s *server) get(path string) (body []byte, took time.Duration, err error) {
	begin := time.Now()
	resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d%s", s.port, path))
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	took = time.Since(begin)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return body, took, err
}

// table is what came out.
type table struct {
	set    *set
	took   []map[string][]time.Duration // by question and peer
	wrong  []map[string]error
	memory map[string]float64 // bytes, at the end
}

func newTable(s *set) *table {
	t := &table{set: s, memory: map[string]float64{}}
	for range s.questions {
		t.took, t.wrong = append(t.took, map[string][]time.Duration{}), append(t.wrong, map[string]error{})
	}
	return t
}

func (t *table) add(i int, p *peer, took []time.Duration, err error) {
	if err != nil {
		t.wrong[i][p.name] = err
	}
	t.took[i][p.name] = append(t.took[i][p.name], took...)
}

// print prints a row for each question: milliseconds at the least and in the
// middle, and how many times as long as the first peer one took in the middle.
func (t *table) print(peers []*peer) {
	peers = slices.DeleteFunc(slices.Clone(peers), func(p *peer) bool { return t.memory[p.name] == 0 })
	if len(peers) == 0 {
		return
	}
	fmt.Printf("\n== %s, %s\n| asked | %s |\n|%s\n", t.set.title, time.Now().UTC().Format(time.DateTime), header(peers), strings.Repeat("---|", len(peers)+1))
	for i, q := range t.set.questions {
		fmt.Printf("| %s |", q.title)
		for _, p := range peers {
			fmt.Printf(" %s |", t.cell(i, p, peers[0]))
		}
		fmt.Println()
	}
	fmt.Print("| memory then, MiB |")
	for _, p := range peers {
		fmt.Printf(" %.0f |", t.memory[p.name]/(1<<20))
	}
	fmt.Println()
}

func header(peers []*peer) string {
	list := make([]string, len(peers))
	for i, p := range peers {
		list[i] = p.name
	}
	return strings.Join(list, " | ")
}

func (t *table) cell(i int, p, first *peer) string {
	if err := t.wrong[i][p.name]; err != nil {
		return err.Error()
	}
	took := t.took[i][p.name]
	slices.Sort(took)
	text := fmt.Sprintf("%s, %s", millis(took[0]), millis(median(took)))
	if base := t.took[i][first.name]; p != first && len(base) > 0 {
		text += fmt.Sprintf(" (%.1f x)", float64(median(took))/float64(median(base)))
	}
	return text
}

// median is the middle one of what is sorted.
func median(took []time.Duration) time.Duration { return took[len(took)/2] }

// millis shows milliseconds with three digits that count.
func millis(d time.Duration) string {
	ms := d.Seconds() * 1000
	switch {
	case ms < 10:
		return fmt.Sprintf("%.2f", ms)
	case ms < 100:
		return fmt.Sprintf("%.1f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}
