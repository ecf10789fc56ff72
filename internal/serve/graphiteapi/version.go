package graphiteapi

import "net/http"

// Version is the version of graphite-web whose API this is. Clients compare it:
// Grafana asks servers from 1.1 on for tags and functions.
const Version = "1.1.8"

// version answers with a line of text, as graphite-web does.
func (a *API) version(w http.ResponseWriter, _ *http.Request, _ params) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(Version + "\n")) // the client's loss
	return nil
}
