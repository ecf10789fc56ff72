package aggregate

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// command answers a command; more is false when the connection is to end.
func (n *Node) command(line string, local bool) (answer []byte, more bool) {
	words := strings.Split(strings.TrimSpace(line), " ")
	name, rest := words[0], words[1:]
	changes := strings.HasPrefix(name, "del") || name == "health" && len(rest) > 0
	if changes && !local {
		return []byte("ERROR\n"), true
	}
	var b bytes.Buffer
	switch name {
	case "help":
		b.WriteString("Commands: stats, counters, timers, gauges, delcounters, deltimers, delgauges, health, config, quit\n\n")
	case "stats":
		n.writeStats(&b)
	case "counters", "timers", "gauges":
		b.WriteString(n.dump(name) + "\nEND\n\n")
	case "delcounters", "deltimers", "delgauges":
		n.remove(&b, strings.TrimPrefix(name, "del"), rest)
		b.WriteString("END\n\n")
	case "health":
		fmt.Fprintf(&b, "health: %s\n", n.health(rest))
	case "config":
		n.writeConfig(&b)
	case "quit":
		return nil, false
	default:
		b.WriteString("ERROR\n")
	}
	return b.Bytes(), true
}

// health returns the health, after it was set if a word says so.
func (n *Node) health(words []string) string {
	if len(words) > 0 {
		switch strings.ToLower(words[0]) {
		case "up":
			n.healthy.Store(true)
		case "down":
			n.healthy.Store(false)
		}
	}
	if n.healthy.Load() {
		return "up"
	}
	return "down"
}

// current takes in what workers heard, and holds off flushes until done is called.
func (n *Node) current() (done func()) {
	n.e.collecting.Lock()
	n.e.collect(false)
	return n.e.collecting.Unlock
}

func (n *Node) writeStats(b *bytes.Buffer) {
	defer n.current()()
	now := time.Now()
	since := func(t time.Time) int64 {
		if t.IsZero() {
			return now.Unix()
		}
		return now.Unix() - t.Unix()
	}
	s := n.last()
	fmt.Fprintf(b, "uptime: %d\n", since(n.began))
	seen := n.e.lastPacket
	if seen.IsZero() {
		seen = n.began
	}
	fmt.Fprintf(b, "messages.last_msg_seen: %d\n", since(seen))
	fmt.Fprintf(b, "messages.bad_lines_seen: %d\n", n.e.ever.bad+n.e.heard.bad)
	fmt.Fprintf(b, "graphite.last_flush: %d\n", since(s.flushed))
	fmt.Fprintf(b, "graphite.last_exception: %d\n", since(s.exception))
	fmt.Fprintf(b, "graphite.flush_time: %s\n", appendJS(nil, s.flushMillis))
	fmt.Fprintf(b, "graphite.flush_length: %s\nEND\n\n", appendJS(nil, s.flushBytes))
}

// dump prints the counters, timers or gauges as they stand.
func (n *Node) dump(kind string) string {
	defer n.current()()
	var o inspect
	r := &n.e.registry
	switch kind {
	case "counters":
		for _, c := range all(r, &r.counters) {
			if c.active {
				o.number(c.key, c.sum+n.own.unsent(c, &n.e.heard))
			}
		}
	case "timers":
		for _, t := range all(r, &r.timers) {
			if t.active {
				count := len(t.values)
				if t.big != nil {
					count += int(t.big.bucket.Count)
				}
				o.list(t.key, t.values, count)
			}
		}
	case "gauges":
		for _, g := range all(r, &r.gauges) {
			if v, ok := g.read(); ok {
				o.number(g.key, v)
			}
		}
	}
	return o.String()
}

// unsent is what own counters have not got yet.
func (o *ownCounters) unsent(c *counter, heard *tally) float64 {
	switch c {
	case o.bad:
		return float64(heard.bad)
	case o.packets:
		return float64(heard.packets)
	case o.lines:
		return float64(heard.lines)
	}
	return 0
}

// remove removes the series that words name, or all below "NAME.*".
func (n *Node) remove(b *bytes.Buffer, kind string, words []string) {
	defer n.current()()
	for _, word := range words {
		var gone []string
		switch kind {
		case "counters":
			gone = n.removeCounters(word)
		case "timers":
			gone = n.removeTimers(word)
		case "gauges":
			gone = n.removeGauges(word)
		}
		for _, key := range gone {
			fmt.Fprintf(b, "deleted: %s\n", key)
		}
		if len(gone) == 0 {
			fmt.Fprintf(b, "metric %s not found\n", word)
		}
	}
}

// removeCounters also forgets where running totals stood.
func (n *Node) removeCounters(word string) (gone []string) {
	r := &n.e.registry
	for _, c := range all(r, &r.counters) {
		if c.active && matches(word, c.key) {
			c.active, c.sum = false, 0
			gone = append(gone, c.key)
		}
	}
	for _, t := range all(r, &r.totals) {
		if matches(word, t.key) {
			t.forget()
		}
	}
	return gone
}

func (n *Node) removeTimers(word string) (gone []string) {
	r := &n.e.registry
	for _, t := range all(r, &r.timers) {
		if t.active && matches(word, t.key) {
			t.active = false
			t.clear()
			gone = append(gone, t.key)
		}
	}
	return gone
}

func (n *Node) removeGauges(word string) (gone []string) {
	r := &n.e.registry
	for _, g := range all(r, &r.gauges) {
		if matches(word, g.key) && g.remove() {
			gone = append(gone, g.key)
		}
	}
	return gone
}

// matches reports whether word is key, or "NAME.*" and key is below NAME.
func matches(word, key string) bool {
	if below, ok := strings.CutSuffix(word, ".*"); ok && below != "" {
		return strings.HasPrefix(key, below+".")
	}
	return word != "" && word == key
}
