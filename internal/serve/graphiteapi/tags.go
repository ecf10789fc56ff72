package graphiteapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"github.com/logmetrics/logmetrics/internal/lazy"
	"github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// defaultCompletions is how many tags or values are offered unless the request
// says another limit.
const defaultCompletions = 100

// maxFilter bounds regular expressions, in bytes; Go's take linear time.
const maxFilter = 4096

// tagging makes a handler answer with its errors in JSON, as all below /tags does.
func (a *API) tagging(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, p params) error {
		delete(p, "jsonp") // as in graphite-web these answers are JSON alone
		err := h(w, r, p)
		f := faultOf(err)
		if err == nil || f.code == http.StatusInternalServerError {
			return err
		}
		if errors.Is(err, names.ErrOnlyNegative) {
			f.text = "At least one tagspec must not match the empty string"
		}
		a.refused.count(err, f)
		j := &reply{w: w, code: f.code, kind: "application/json", ascii: true, pretty: p.get("pretty") != ""}
		j.raw(`{"error": `)
		j.string(f.text)
		j.raw("}")
		return j.end()
	}
}

// sparing makes a handler that lists texts list none where [isSpared] would say so: these lists are JSON for a
// graphite-web, too.
func (a *API) sparing(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, p params) error {
		err := h(w, r, p)
		if !isLocal(p) || !isMistake(err) {
			return err
		}
		a.refused.count(err, faultOf(err))
		return stringsInJSON(w, r, p, nil)
	}
}

// limit returns what the request says of how much it wants, otherwise when nothing.
func limit(p params, otherwise int) (int, error) {
	text := p.get("limit")
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fault{http.StatusBadRequest, "invalid literal for int() with base 10: " + quoted(text)}
	}
	if n < 0 {
		return 0, fault{http.StatusBadRequest, "limit must not be negative"}
	}
	return n, nil
}

// filter returns what the regular expression of the request takes; nil: all. It is
// anchored at the start.
func filter(p params) (func([]byte) bool, error) {
	text := p.get("filter")
	switch {
	case text == "":
		return nil, nil
	case len(text) > maxFilter:
		return nil, fault{http.StatusBadRequest, fmt.Sprintf("filter: longer than %d bytes", maxFilter)}
	}
	takes, err := names.CompileFilter(text)
	if err != nil {
		return nil, fault{http.StatusBadRequest, "filter: " + err.Error()}
	}
	return takes, nil
}

// exprs reads expressions, which may be none.
func exprs(p params) ([]names.Expr, error) {
	list, err := names.ParseExprs(p.list("expr"))
	if err == nil {
		return list, nil
	}
	for _, text := range p.list("expr") {
		if !tagSpec.Get().MatchString(text) {
			return nil, fault{http.StatusBadRequest, "Invalid tagspec " + text}
		}
	}
	return nil, err
}

// tagSpec is what graphite-web takes for an expression.
var tagSpec = lazy.Value[*regexp.Regexp]{Make: func() *regexp.Regexp { return regexp.MustCompile(`^[^;!=]+!?=~?[^;]*$`) }}

// completeTags answers /tags/autoComplete/tags.
func (a *API) completeTags(w http.ResponseWriter, r *http.Request, p params) error {
	n, err := limit(p, defaultCompletions)
	if err != nil {
		return err
	}
	list, err := exprs(p)
	if err != nil {
		return err
	}
	keys, err := a.tagKeys(r.Context(), p.list("expr"), names.TagQuery{Exprs: list, Prefix: p.get("tagPrefix"), Limit: n})
	if err != nil {
		return err
	}
	return stringsInJSON(w, r, p, keys[:min(n, len(keys))])
}

// completeValues answers /tags/autoComplete/values.
func (a *API) completeValues(w http.ResponseWriter, r *http.Request, p params) error {
	tag := p.get("tag")
	if tag == "" {
		return fault{http.StatusBadRequest, "no tag specified"}
	}
	n, err := limit(p, defaultCompletions)
	if err != nil {
		return err
	}
	list, err := exprs(p)
	if err != nil {
		return err
	}
	values, err := a.tagValues(r.Context(), tag, p.list("expr"), names.TagQuery{Exprs: list, Prefix: p.get("valuePrefix"), Limit: n})
	if err != nil {
		return err
	}
	return stringsInJSON(w, r, p, values[:min(n, len(values))])
}

func stringsInJSON(w http.ResponseWriter, r *http.Request, p params, list []string) error {
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	j.strings(list)
	return j.end()
}

// findSeries answers /tags/findSeries: the names of series by their tags.
func (a *API) findSeries(w http.ResponseWriter, r *http.Request, p params) error {
	list, err := exprs(p)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fault{http.StatusBadRequest, "no tag expressions specified"}
	}
	found, err := a.taggedNames(r.Context(), p.list("expr"), list)
	if err != nil {
		return err
	}
	return stringsInJSON(w, r, p, found)
}

// tagList answers /tags: the names of all tags.
func (a *API) tagList(w http.ResponseWriter, r *http.Request, p params) error {
	takes, err := filter(p)
	if err != nil {
		return err
	}
	n, err := limit(p, 0)
	if err != nil {
		return err
	}
	keys, err := a.opt.DB.Names().Keys(r.Context(), names.TagQuery{Filter: takes, Limit: n})
	if err != nil {
		return err
	}
	serials := make(map[string]int, len(keys))
	for _, key := range keys {
		serials[key] = 0
	}
	if err := a.opt.DB.Names().Serials(r.Context(), serials, nil); err != nil {
		return err
	}
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	j.raw("[")
	for i, key := range keys {
		j.comma(i)
		j.raw(`{"id": `)
		j.int(int64(serials[key]))
		j.raw(`, "tag": `)
		j.string(key)
		j.raw("}")
		j.spill()
	}
	j.raw("]")
	return j.end()
}

// tagDetails answers /tags/NAME: a tag's values, and how many series have each.
func (a *API) tagDetails(w http.ResponseWriter, r *http.Request, p params) error {
	takes, err := filter(p)
	if err != nil {
		return err
	}
	n, err := limit(p, 0)
	if err != nil {
		return err
	}
	tag, index := r.PathValue("tag"), a.opt.DB.Names()
	values, err := index.Values(r.Context(), tag, names.TagQuery{Filter: takes, Limit: n})
	if err != nil {
		return err
	}
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	known := len(values) > 0
	if !known && takes != nil {
		one, err := index.Values(r.Context(), tag, names.TagQuery{Limit: 1})
		if err != nil {
			return err
		}
		known = len(one) > 0
	}
	if !known {
		j.raw("null")
		return j.end()
	}
	return j.tag(r.Context(), index, tag, values)
}

// tag appends a tag with its values, and ends the answer.
func (j *reply) tag(ctx context.Context, index *names.Index, tag string, values []names.Value) error {
	key, serials := map[string]int{tag: 0}, make(map[string]int, len(values))
	for _, v := range values {
		serials[v.Value] = 0
	}
	if err := index.Serials(ctx, key, serials); err != nil {
		return err
	}
	j.raw(`{"id": `)
	j.int(int64(key[tag]))
	j.raw(`, "tag": `)
	j.string(tag)
	j.raw(`, "values": [`)
	for i, v := range values {
		j.comma(i)
		j.raw(`{"id": `)
		j.int(int64(serials[v.Value]))
		j.raw(`, "value": `)
		j.string(v.Value)
		j.raw(`, "count": `)
		j.int(int64(v.Count))
		j.raw("}")
		j.spill()
	}
	j.raw("]}")
	return j.end()
}
