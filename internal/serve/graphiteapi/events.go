package graphiteapi

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// postEvent answers POST /events/: {"what", "when", "tags", "data"}.
func (a *API) postEvent(w http.ResponseWriter, r *http.Request, _ params) error {
	now := a.opt.Now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxEventBody))
	if err != nil {
		return asked(err)
	}
	e, err := readEvent(body, now)
	if err == nil {
		err = e.check(now.Unix())
	}
	if err == nil {
		err = a.events.add(e, now.Unix())
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// readEvent reads JSON: tags are a list or a text with blanks; data that is no
// text is kept as JSON; when there is no time, now is it.
func readEvent(body []byte, now time.Time) (e event, err error) {
	var in struct {
		What *string
		When *float64
		Tags json.RawMessage
		Data json.RawMessage
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return e, asked(fmt.Errorf("read event: %w", err))
	}
	e.When, e.Tags = float64(now.UnixMicro())/1e6, []string{}
	if in.When != nil {
		e.When = *in.When
	}
	if in.What != nil {
		e.What = *in.What
	}
	if e.Data, err = text(in.Data); err != nil {
		return e, err
	}
	e.Tags, err = readTags(in.Tags)
	return e, err
}

func text(raw json.RawMessage) (s string, err error) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return "", nil
	case raw[0] == '"':
		err = json.Unmarshal(raw, &s)
		return s, err
	}
	return string(raw), nil
}

func readTags(raw json.RawMessage) ([]string, error) {
	var list []string
	var one string
	switch {
	case len(raw) == 0, json.Unmarshal(raw, &list) == nil: // null, too
	case json.Unmarshal(raw, &one) == nil:
		list = []string{one}
	default:
		return nil, asked(fmt.Errorf(`"tags" must be an array or space-separated string`))
	}
	tags := words(strings.Join(list, " "))
	if tags == nil {
		tags = []string{}
	}
	return tags, nil
}

// eventData answers /events/get_data.
func (a *API) eventData(w http.ResponseWriter, r *http.Request, p params) error {
	list, err := a.askedEvents(p)
	if err != nil {
		return err
	}
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	j.raw("[")
	for i := range list {
		e := &list[i]
		j.comma(i)
		j.raw(`{"when": `)
		j.int(int64(math.Floor(e.When)))
		j.event(e)
		j.raw(`, "id": `)
		j.int(e.ID)
		j.raw("}")
		j.spill()
	}
	j.raw("]")
	return j.end()
}

// event appends what all forms of an event have.
func (j *reply) event(e *event) {
	j.raw(`, "what": `)
	j.string(e.What)
	j.raw(`, "data": `)
	j.string(e.Data)
	j.raw(`, "tags": `)
	j.strings(e.Tags)
}

func (a *API) askedEvents(p params) ([]event, error) {
	c, err := a.clockOf(p)
	if err != nil {
		return nil, err
	}
	from, err := c.moment(p, "from", 0)
	if err != nil {
		return nil, err
	}
	now := a.opt.Now().UnixMicro()
	until := float64(now) / 1e6
	if p.has("until") {
		sec, err := c.moment(p, "until", c.now)
		if err != nil {
			return nil, err
		}
		until = float64(sec)
	}
	return a.events.find(eventQuery{
		from: float64(from), until: until, set: p.get("set"),
		tags: strings.Split(p.get("tags"), " "), tagged: p.has("tags"),
	})
}

// listEvents answers /events/: a page for people, else what get_data answers.
func (a *API) listEvents(w http.ResponseWriter, r *http.Request, p params) error {
	if !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return a.eventData(w, r, p)
	}
	list, err := a.askedEvents(p)
	if err != nil {
		return err
	}
	var rows strings.Builder
	for i := range list {
		e := &list[i]
		fmt.Fprintf(&rows, "<tr><td>%s</td><td><a href=\"/events/%d/\">%s</a></td><td>%s</td></tr>\n",
			stamp(e.When), e.ID, html.EscapeString(e.What), html.EscapeString(strings.Join(e.Tags, " ")))
	}
	page(w, "Events", "<table>\n<tr><th>when</th><th>what</th><th>tags</th></tr>\n"+rows.String()+"</table>\n")
	return nil
}

// showEvent answers /events/N: a page for people, else JSON.
func (a *API) showEvent(w http.ResponseWriter, r *http.Request, p params) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return fault{http.StatusNotFound, "no such page"}
	}
	e, ok, err := a.events.get(id)
	if err != nil {
		return err
	}
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		if !ok {
			return fault{http.StatusNotFound, "no such event"}
		}
		page(w, e.What, fmt.Sprintf("<table>\n<tr><th>when</th><td>%s</td></tr>\n<tr><th>tags</th><td>%s</td></tr>\n<tr><th>data</th><td><pre>%s</pre></td></tr>\n</table>\n",
			stamp(e.When), html.EscapeString(strings.Join(e.Tags, " ")), html.EscapeString(e.Data)))
		return nil
	}
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	if !ok {
		j.code = http.StatusNotFound
		j.raw(`{"error": "Event matching query does not exist"}`)
		return j.end()
	}
	j.raw(`{"id": `)
	j.int(e.ID)
	j.raw(`, "when": `)
	j.string(stamp(e.When))
	j.event(&e)
	j.raw("}")
	return j.end()
}

// stamp returns a time as people read it, to a millisecond if it has parts of a second.
func stamp(when float64) string {
	return time.UnixMilli(int64(math.Floor(when * 1000))).UTC().Format("2006-01-02T15:04:05.999Z07:00")
}

// page writes a page without anything that runs. title and body are by others:
// body must be escaped.
func page(w http.ResponseWriter, title, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	title = html.EscapeString(title)
	_, _ = io.WriteString(w, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>"+title+"</title>\n<h1>"+title+"</h1>\n"+body) // the client's loss
}
