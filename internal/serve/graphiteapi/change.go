package graphiteapi

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/names"
)

// tagSeries answers POST /tags/tagSeries with the one form of a name. There is
// nothing to do: series are known by their tags from their first sample on.
func (a *API) tagSeries(w http.ResponseWriter, r *http.Request, p params) error {
	path := p.get("path")
	if path == "" {
		return fault{http.StatusBadRequest, "no path specified"}
	}
	name, err := canonical(path)
	if err != nil {
		return err
	}
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	j.string(name)
	return j.end()
}

// tagMultiSeries is tagSeries for several.
func (a *API) tagMultiSeries(w http.ResponseWriter, r *http.Request, p params) error {
	list := p.list("path")
	if len(list) == 0 {
		return fault{http.StatusBadRequest, "no paths specified"}
	}
	list, err := canonicals(list)
	if err != nil {
		return err
	}
	return stringsInJSON(w, r, p, list)
}

// delSeries answers POST /tags/delSeries: the series are forgotten, and what is
// kept of them. One that is not there is no error.
func (a *API) delSeries(w http.ResponseWriter, r *http.Request, p params) error {
	list := p.list("path")
	if len(list) == 0 {
		return fault{http.StatusBadRequest, "no path specified"}
	}
	list, err := canonicals(list)
	if err != nil {
		return err
	}
	if _, err := a.delete(r, list); err != nil {
		return err
	}
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	j.raw("true")
	return j.end()
}

// deleteFound answers POST /metrics/delete: all series that match patterns are
// forgotten, and what is kept of them.
func (a *API) deleteFound(w http.ResponseWriter, r *http.Request, p params) error {
	queries := p["query"]
	if len(queries) == 0 {
		return invalid("Missing required parameter 'query'")
	}
	j, err := newReply(w, r, p)
	if err != nil {
		return err
	}
	deleted := 0
	for _, query := range queries {
		found, err := a.opt.DB.Names().Expand(r.Context(), query, maxFound)
		if err != nil {
			return fmt.Errorf("find %.200q: %w", query, err)
		}
		list := make([]string, len(found))
		for i, m := range found {
			list[i] = m.Path
		}
		n, err := a.delete(r, list)
		deleted += n
		if err != nil {
			return err
		}
	}
	j.raw(`{"deletedDefs": `)
	j.int(int64(deleted))
	j.raw("}")
	return j.end()
}

// delete forgets series, and returns how many were there.
func (a *API) delete(r *http.Request, list []string) (deleted int, err error) {
	for _, name := range list {
		if err := r.Context().Err(); err != nil {
			return deleted, err
		}
		err := a.opt.DB.Delete(name)
		if err != nil && !errors.Is(err, store.ErrNoSeries) {
			return deleted, err
		}
		if err == nil {
			deleted++
			a.opt.Log.Info("a series was deleted", "series", name)
		}
	}
	return deleted, nil
}

func canonicals(list []string) ([]string, error) {
	out := make([]string, len(list))
	for i, path := range list {
		var err error
		if out[i], err = canonical(path); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// canonical returns the one form of a name, or says in graphite-web's words why
// it is none.
func canonical(path string) (string, error) {
	if name, ok := names.AppendCanonical(nil, []byte(path)); ok {
		return string(name), nil
	}
	metric, tags, _ := strings.Cut(path, ";")
	if metric == "" {
		return "", fault{http.StatusBadRequest, "Cannot parse path " + path + ", no metric found"}
	}
	for segment := range strings.SplitSeq(tags, ";") {
		key, value, ok := strings.Cut(segment, "=")
		switch {
		case tags == "":
		case !ok || key == "":
			return "", fault{http.StatusBadRequest, "Cannot parse path " + path + ", invalid segment " + segment}
		case value == "":
			return "", fault{http.StatusBadRequest, `Value for tag "` + key + `" may not be empty`}
		case value[0] == '~':
			return "", fault{http.StatusBadRequest, `Tag values are not allowed to start with "~" in tag "` + key + `"`}
		}
	}
	return "", fault{http.StatusBadRequest, "Cannot parse path " + path}
}
