package conformance

import (
	"cmp"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/logmetrics/logmetrics/internal/testutil/graphiteweb"
)

var everything = flag.Bool("all", false, "ask all, not some, and print each difference")

// someOf is how many requests there are for one that is asked without -all: what
// a test run has time for.
const someOf = 16

// goal is the share of graphite-web's answers, in percent, that ours are equal to at least.
const goal = 98

func TestConformance(t *testing.T) {
	t.Parallel()
	theirs, ours := both(t, graphiteweb.Fleet())
	t.Run("answers", func(t *testing.T) {
		t.Parallel()
		askBoth(t, requests(t, "testdata/requests"), theirs, ours, "testdata/differences.txt")
	})
	t.Run("front", func(t *testing.T) {
		t.Parallel()
		front(t, theirs, ours)
	})
	t.Run("functions", func(t *testing.T) { compareFunctions(t, theirs.URL, ours) })
}

// TestSecondLoad sends each point twice, after another one of the same step.
func TestSecondLoad(t *testing.T) {
	t.Parallel()
	theirs, ours := both(t, graphiteweb.Twice(graphiteweb.Fleet()))
	askBoth(t, requests(t, "testdata/requests"), theirs, ours, "testdata/differences.txt", "testdata/differences-second-load.txt")
}

// itBreaks is why an answer differs where graphite-web's is a stack trace.
const itBreaks = "graphite-web breaks at it, status 500; we say what is wrong"

// both starts graphite-web and ours, with the same series and events.
func both(t *testing.T, series []graphiteweb.Series) (theirs *graphiteweb.Server, ours string) {
	t.Helper()
	theirs = graphiteweb.Start(t, graphiteweb.Options{Now: graphiteweb.FleetNow, Series: series})
	ours = startOurs(t, graphiteweb.FleetNow, series)
	postEvents(t, theirs.URL, ours)
	return theirs, ours
}

// askBoth fails for each difference that is not in the files of those that are
// meant, and for each there that is none.
func askBoth(t *testing.T, list []request, theirs *graphiteweb.Server, ours string, files ...string) {
	t.Helper()
	decode := func(format string, body []byte) (string, bool) { return theirs.Decode(t, format, body) }
	meant := map[string]string{}
	for _, file := range files {
		maps.Copy(meant, readDifferences(t, file))
	}
	var result score
	for i, r := range list {
		if !*everything && i%someOf != 0 {
			continue
		}
		want, got := ask(t, theirs.URL, r), ask(t, ours, r)
		d, reason := difference(r, want, got, decode), meant[r.name()]
		if d != "" && reason == "" && refusedElsewhere(want, got) {
			reason = itBreaks
		}
		result.add(r, d, reason)
		if d != "" && want.status == http.StatusInternalServerError {
			result.broken++
		}
		switch {
		case d != "" && reason == "":
			t.Errorf("%s\n    %s", r.name(), d)
		case d == "" && meant[r.name()] != "":
			t.Errorf("%s\n    is no difference any more: take it out of %q", r.name(), files)
		}
	}
	t.Log(result.String())
	if *everything {
		assert.GreaterOrEqual(t, result.answered().share(), float64(goal), "percent of graphite-web's answers")
	}
}

// readDifferences returns the reasons of those that are meant, by the request's
// name. In the file a reason in brackets stands before its requests.
func readDifferences(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	reasons, reason := map[string]string{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			reason = strings.Trim(line, "[]")
		default:
			assert.NotEmpty(t, reason, line)
			reasons[line] = reason
		}
	}
	return reasons
}

// score counts answers.
type score struct {
	asked, equal int
	broken       int // that differ because graphite-web's answer is a stack trace
	topics       map[string]*score
	reasons      map[string]int
}

func (s *score) add(r request, difference, reason string) {
	if s.topics == nil {
		s.topics, s.reasons = map[string]*score{}, map[string]int{}
	}
	topic := s.topics[r.topic]
	if topic == nil {
		topic = &score{}
		s.topics[r.topic] = topic
	}
	s.asked, topic.asked = s.asked+1, topic.asked+1
	if difference == "" {
		s.equal, topic.equal = s.equal+1, topic.equal+1
		return
	}
	s.reasons[cmp.Or(reason, "no reason")]++
}

// String tells the percentages, and of what differs how often and why.
func (s *score) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of graphite-web's answers\n", s.answered().percent())
	fmt.Fprintf(&b, "%s with the requests at which it breaks\n", s.percent())
	for _, topic := range slices.Sorted(maps.Keys(s.topics)) {
		fmt.Fprintf(&b, "  %-10s %s\n", topic, s.topics[topic].percent())
	}
	for _, reason := range slices.Sorted(maps.Keys(s.reasons)) {
		fmt.Fprintf(&b, "  %4d differ: %s\n", s.reasons[reason], reason)
	}
	return b.String()
}

// answered is without the requests at which graphite-web breaks.
func (s *score) answered() *score { return &score{asked: s.asked - s.broken, equal: s.equal} }

func (s *score) share() float64 { return 100 * float64(s.equal) / float64(max(s.asked, 1)) }

func (s *score) percent() string {
	return fmt.Sprintf("%6.2f %% (%d of %d)", s.share(), s.equal, s.asked)
}
