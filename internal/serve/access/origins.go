package access

import (
	"net/http"
	"slices"
)

// Without Options.Origins no page of another origin reads an answer, for the
// server says nothing of sharing it: browsers keep it from them. What those that
// are named there may do is what anybody may, or, with a token, all.

// preflightAge is for how many seconds a browser need not ask again.
const preflightAge = "600"

// share lets the page of a known origin read the answer.
func (g *Guard) share(w http.ResponseWriter, r *http.Request) {
	if len(g.opt.Origins) == 0 {
		return
	}
	w.Header().Add("Vary", "Origin")
	if origin := r.Header.Get("Origin"); slices.Contains(g.opt.Origins, origin) {
		w.Header().Set("Access-Control-Allow-Origin", origin)
		w.Header().Set("Access-Control-Expose-Headers", "X-Logmetrics-Incomplete")
	}
}

// Preflight returns what answers the question, which browsers ask for the pages of
// other origins, what these may send.
func (g *Guard) Preflight() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Allow", "GET, HEAD, POST, OPTIONS")
		if h.Get("Access-Control-Allow-Origin") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Dashboard-Id, X-Panel-Id, X-Panel-Plugin-Id")
			h.Set("Access-Control-Max-Age", preflightAge)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
