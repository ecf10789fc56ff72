package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// span is a range of time; the zero span is none.
type span struct{ from, until time.Time }

// with returns the range that has both in it.
func (s span) with(t span) span {
	if s.from.IsZero() {
		return t
	}
	if t.from.Before(s.from) {
		s.from = t.from
	}
	if t.until.After(s.until) {
		s.until = t.until
	}
	return s
}

var timeLine = regexp.MustCompile(`(?m)^time +(\S+) to (\S+)`)

// spanOf reads of which time logmetrics check says that a log is, in whole hours.
func spanOf(said string) (span, error) {
	m := timeLine.FindStringSubmatch(said)
	if m == nil {
		return span{}, errors.New("it does not say of which time its lines are")
	}
	from, err := time.Parse(time.RFC3339, m[1])
	until, err2 := time.Parse(time.RFC3339, m[2])
	return span{from.Truncate(time.Hour), until.Add(time.Hour).Truncate(time.Hour)}, errors.Join(err, err2)
}

// dashboardName is the name under which the server keeps the dashboard.
const dashboardName = "mail and web"

// address is where a browser shows the dashboard, with the token to change it.
func (s *server) address(t span) string {
	q := url.Values{"dashboard": {dashboardName}, "from": {seconds(t.from)}, "until": {seconds(t.until)}, "tz": {"UTC"}}
	return s.url + "/?" + q.Encode() + "#token=" + url.QueryEscape(s.token)
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// graph is what is read of a dashboard's graph.
type graph struct {
	Title   string
	Targets []string
	Weeks   []int // shown beside, weeks before
}

// keep has the server keep the dashboard of a file, and returns how many graphs it
// has. One that shows nothing of that time is an error.
func (s *server) keep(ctx context.Context, file string, shown span) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("read the dashboard: %w", err)
	}
	var board struct{ Panels []graph }
	if err := json.Unmarshal(text, &board); err != nil {
		return 0, fmt.Errorf("read %s: %w", file, err)
	}
	if _, err := s.ask(ctx, http.MethodPut, "/kv/dashboards/"+url.PathEscape(dashboardName), text); err != nil {
		return 0, fmt.Errorf("keep the dashboard: %w", err)
	}
	for _, g := range board.Panels {
		if err := s.check(ctx, g, shown); err != nil {
			return 0, fmt.Errorf("graph %q: %w", g.Title, err)
		}
	}
	return len(board.Panels), nil
}

// check asks for all that a graph shows, as the page does.
func (s *server) check(ctx context.Context, g graph, shown span) error {
	if len(g.Targets) == 0 {
		return errors.New("it has no target")
	}
	for _, t := range g.Targets {
		asked := []string{t}
		for _, w := range g.Weeks {
			asked = append(asked, fmt.Sprintf("timeShift(%s,'%dd')", t, 7*w))
		}
		for _, t := range asked {
			if err := s.holds(ctx, t, shown); err != nil {
				return err
			}
		}
	}
	return nil
}

// holds tells whether each series of a target has a value.
func (s *server) holds(ctx context.Context, target string, shown span) error {
	q := url.Values{"target": {target}, "from": {seconds(shown.from)}, "until": {seconds(shown.until)}, "format": {"json"}}
	text, err := s.ask(ctx, http.MethodGet, "/render?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	var list []struct {
		Target string
		Points [][2]*float64 `json:"datapoints"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return fmt.Errorf("read the answer for %s: %w", target, err)
	}
	if len(list) == 0 {
		return fmt.Errorf("no series for %s", target)
	}
	for _, one := range list {
		n := 0
		for _, p := range one.Points {
			if p[0] != nil {
				n++
			}
		}
		if n == 0 {
			return fmt.Errorf("no value for %s", one.Target)
		}
	}
	return nil
}

// ask sends the server a request, and returns the body of a good answer.
func (s *server) ask(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, answer.Status, strings.TrimSpace(string(text)))
	}
	return text, err
}
