package graphiteapi

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// Bounds on events. With the last ones the oldest go when new ones come.
const (
	maxWhat       = 1 << 10           // bytes
	maxTags       = 100               // of an event
	maxTagBytes   = 4 << 10           // of all of them
	maxData       = 64 << 10          // bytes
	maxEventBody  = 256 << 10         // bytes of JSON that is posted
	maxEvents     = 50_000            // a deployment each hour for five years
	maxEventBytes = 16 << 20          // as they are kept
	eventAge      = 3 * 365 * 86_400  // seconds: as long as the longest of the built-in retentions
	lastWhen      = 253_402_300_800.0 // the year 10,000
	eventPrefix   = "event/"
)

// event is something that happened.
type event struct {
	ID   int64    `json:"id"`
	When float64  `json:"when"` // Unix seconds
	What string   `json:"what"`
	Tags []string `json:"tags"`
	Data string   `json:"data"`

	size int // bytes as it is kept
}

func (e *event) key() string { return fmt.Sprintf("%s%020d", eventPrefix, e.ID) }

// keeper keeps values by key; *store.DB does.
type keeper interface {
	Keep(key string, value []byte) error
	Drop(key string) error
	Kept(prefix string) ([]store.Pair, error)
}

// eventList is all events, in RAM and kept.
type eventList struct {
	keeper    keeper
	most      int // events
	mostBytes int
	dropped   atomic.Uint64 // for their number, their bytes or their age

	adding sync.Mutex // one is added at a time; taken before mu

	mu     sync.RWMutex // protects the fields below
	loaded bool
	list   []*event // by when, then id; they do not change
	bytes  int
	next   int64          // id
	tags   map[string]int // how many events have each
}

func newEventList(k keeper) *eventList {
	return &eventList{keeper: k, most: maxEvents, mostBytes: maxEventBytes}
}

// load reads what is kept, once. An event that cannot be read is left out.
func (l *eventList) load() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.loaded {
		return nil
	}
	pairs, err := l.keeper.Kept(eventPrefix)
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	l.next, l.tags = 1, make(map[string]int)
	for _, p := range pairs {
		e := &event{size: len(p.Value)}
		if json.Unmarshal(p.Value, e) == nil {
			l.insert(e)
		}
	}
	l.loaded = true
	return nil
}

// insert puts an event at its place. mu is held.
func (l *eventList) insert(e *event) {
	at, _ := slices.BinarySearchFunc(l.list, e, func(a, b *event) int {
		return cmp.Or(cmp.Compare(a.When, b.When), cmp.Compare(a.ID, b.ID))
	})
	l.list = slices.Insert(l.list, at, e)
	l.bytes += e.size
	l.next = max(l.next, e.ID+1)
	for _, tag := range e.Tags {
		l.tags[tag]++
	}
}

// add keeps an event, whose ID it sets, and drops those for which there is no
// room then.
func (l *eventList) add(e event, now int64) error {
	if err := l.load(); err != nil {
		return err
	}
	l.adding.Lock()
	defer l.adding.Unlock()
	l.mu.RLock()
	e.ID = l.next
	l.mu.RUnlock()
	value, err := json.Marshal(&e)
	if err != nil {
		return fmt.Errorf("keep event: %w", err)
	}
	e.size = len(value)
	if err := l.trim(e.size, now); err != nil {
		return err
	}
	if err := l.keeper.Keep(e.key(), value); err != nil {
		return fmt.Errorf("keep event: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.insert(&e)
	return nil
}

// trim drops what is too old, and the oldest until there is room for one of size
// bytes more. adding is held.
func (l *eventList) trim(size int, now int64) error {
	for {
		l.mu.RLock()
		full := len(l.list) >= l.most || l.bytes+size > l.mostBytes
		if len(l.list) == 0 || !full && l.list[0].When >= float64(now-eventAge) {
			l.mu.RUnlock()
			return nil
		}
		oldest := l.list[0]
		l.mu.RUnlock()
		if err := l.keeper.Drop(oldest.key()); err != nil {
			return fmt.Errorf("drop event %d: %w", oldest.ID, err)
		}
		l.dropped.Add(1)
		l.mu.Lock()
		l.list = slices.Delete(l.list, 0, 1)
		l.bytes -= oldest.size
		for _, tag := range oldest.Tags {
			if l.tags[tag]--; l.tags[tag] == 0 {
				delete(l.tags, tag)
			}
		}
		l.mu.Unlock()
	}
}

// eventQuery says which events are asked for.
type eventQuery struct {
	from, until float64 // Unix seconds, both included
	tags        []string
	tagged      bool   // tags count
	set         string // "union": any of tags; "intersection": all; else all that any event has
}

// find returns events, by time.
func (l *eventList) find(q eventQuery) ([]event, error) {
	if err := l.load(); err != nil {
		return nil, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	first, _ := slices.BinarySearchFunc(l.list, q.from, func(e *event, t float64) int { return cmp.Compare(e.When, t) })
	if q.tagged && q.set != "union" && q.set != "intersection" {
		q.tags = slices.DeleteFunc(slices.Clone(q.tags), func(tag string) bool { return l.tags[tag] == 0 })
	}
	var out []event
	for _, e := range l.list[first:] {
		if e.When > q.until {
			break
		}
		if !q.tagged || q.takes(e.Tags) {
			out = append(out, *e)
		}
	}
	return out, nil
}

// times is find for the function events.
func (l *eventList) times(from, until int64, all bool, tags []string) ([]int64, error) {
	found, err := l.find(eventQuery{from: float64(from), until: float64(until), tags: tags, tagged: !all})
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(found))
	for i, e := range found {
		out[i] = int64(e.When)
	}
	return out, nil
}

func (q *eventQuery) takes(tags []string) bool {
	has := func(tag string) bool { return slices.Contains(tags, tag) }
	if q.set == "union" {
		return slices.ContainsFunc(q.tags, has)
	}
	return len(q.tags) > 0 && !slices.ContainsFunc(q.tags, func(tag string) bool { return !has(tag) })
}

// get returns an event by its number.
func (l *eventList) get(id int64) (event, bool, error) {
	if err := l.load(); err != nil {
		return event{}, false, err
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	at := slices.IndexFunc(l.list, func(e *event) bool { return e.ID == id })
	if at < 0 {
		return event{}, false, nil
	}
	return *l.list[at], true, nil
}

// count returns how many events there are, as far as is known.
func (l *eventList) count() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.list)
}

// check says what is wrong with an event that is posted.
func (e *event) check(now int64) error {
	bytes := 0
	for _, tag := range e.Tags {
		bytes += len(tag)
	}
	switch {
	case e.What == "":
		return asked(fmt.Errorf(`"what" must say what happened`))
	case len(e.What) > maxWhat:
		return asked(fmt.Errorf(`"what" is longer than %d bytes`, maxWhat))
	case len(e.Data) > maxData:
		return asked(fmt.Errorf(`"data" is longer than %d bytes`, maxData))
	case len(e.Tags) > maxTags || bytes > maxTagBytes:
		return asked(fmt.Errorf(`"tags" are more than %d, or %d bytes`, maxTags, maxTagBytes))
	case !(e.When >= 0 && e.When < lastWhen):
		return asked(fmt.Errorf(`"when" must be Unix seconds`))
	case e.When < float64(now-eventAge):
		return asked(fmt.Errorf(`"when" is longer ago than events are kept: %d days`, eventAge/86_400))
	}
	return nil
}

// words splits tags as they are kept: blanks are between them.
func words(s string) []string { return strings.Fields(s) }
