package graphiteapi

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// memory is a keeper that fails when told to.
type memory struct {
	values map[string][]byte
	err    error
}

func (m *memory) Keep(key string, value []byte) error {
	if m.err == nil {
		m.values[key] = value
	}
	return m.err
}

func (m *memory) Drop(key string) error {
	if m.err == nil {
		delete(m.values, key)
	}
	return m.err
}

func (m *memory) Kept(prefix string) (list []store.Pair, err error) {
	for key, value := range m.values {
		if strings.HasPrefix(key, prefix) {
			list = append(list, store.Pair{Key: key, Value: value})
		}
	}
	slices.SortFunc(list, func(a, b store.Pair) int { return strings.Compare(a.Key, b.Key) })
	return list, m.err
}

// TestEventsGo: the oldest go for new ones, by number, by bytes and by age.
func TestEventsGo(t *testing.T) {
	const now = 1_800_000_000
	m := &memory{values: make(map[string][]byte)}
	l := &eventList{keeper: m, most: 100, mostBytes: 10_000}
	for i := range 110 {
		require.NoError(t, l.add(event{When: float64(now - i), What: "x", Tags: []string{"t"}}, now))
	}
	assert.Equal(t, 100, l.count())
	assert.Len(t, m.values, 100)
	assert.EqualValues(t, 10, l.dropped.Load())
	assert.Equal(t, map[string]int{"t": 100}, l.tags)

	require.NoError(t, l.add(event{When: now + eventAge - 5, What: "much later", Tags: []string{}}, now+eventAge-5))
	assert.Equal(t, 7, l.count(), "0 to 5 seconds before now, and the new one")
	for range 10 {
		require.NoError(t, l.add(event{When: now, What: "big", Data: strings.Repeat("x", 1500)}, now))
		assert.LessOrEqual(t, l.bytes, 10_000)
	}
	assert.Equal(t, 7, l.count(), "six big ones, and what is of later")
	assert.Len(t, m.values, l.count())
}

// TestEventsThatCannotBeKept are not there.
func TestEventsThatCannotBeKept(t *testing.T) {
	m := &memory{values: make(map[string][]byte), err: errors.New("broken")}
	l := newEventList(m)
	_, err := l.find(eventQuery{until: 1e10})
	require.ErrorIs(t, err, m.err)
	m.err = nil
	_, err = l.find(eventQuery{until: 1e10})
	require.NoError(t, err)
	m.err = errors.New("broken again")
	require.ErrorIs(t, l.add(event{When: 1e9, What: "x"}, 1e9), m.err)
	assert.Zero(t, l.count())
	m.err = nil
	require.NoError(t, l.add(event{When: 1e9, What: "x"}, 1e9))
	list, err := l.find(eventQuery{until: 1e10})
	require.NoError(t, err)
	assert.EqualValues(t, 1, list[0].ID)
}
