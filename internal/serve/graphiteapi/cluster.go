package graphiteapi

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/logmetrics/logmetrics/internal/serve/cluster"
	"github.com/logmetrics/logmetrics/internal/serve/query"
	"github.com/logmetrics/logmetrics/internal/serve/store/names"
	"github.com/logmetrics/logmetrics/internal/wire/msgpack"
	"github.com/logmetrics/logmetrics/internal/wire/pickle"
)

// Incomplete is the header that names the nodes that had no part in an answer.
const Incomplete = "X-Logmetrics-Incomplete"

// together makes a request ask other nodes, unless it is from one of them, and
// its answer tell which of those gave none.
func (a *API) together(w http.ResponseWriter, r *http.Request, p params) (http.ResponseWriter, *http.Request) {
	if a.opt.Nodes == nil {
		return w, r
	}
	if isLocal(p) {
		return w, r.WithContext(cluster.Alone(r.Context()))
	}
	ctx, report := cluster.WithReport(r.Context())
	return &reported{ResponseWriter: w, report: report}, r.WithContext(ctx)
}

// isSpared reports whether an error is one that is not told: a graphite-web that asks for a user would not ask us again for a
// minute, for any of its users, since one wrote what we cannot read. It is answered as what finds nothing is.
func isSpared(p params, err error) bool {
	return (p.get("format") == "pickle" || p.get("format") == "msgpack") && isLocal(p) && isMistake(err)
}

// isMistake reports whether an error is about what somebody wrote, not about how much that is.
func isMistake(err error) bool {
	var f fault
	var beyond limited
	return errors.Is(err, names.ErrPattern) || errors.As(err, &f) && f.code == http.StatusBadRequest && !errors.As(err, &beyond)
}

// isLocal reports whether another node asks, for what is here.
func isLocal(p params) bool { return strings.Trim(p.get("local"), "0") != "" }

// reported is an answer that says whom it lacks.
type reported struct {
	http.ResponseWriter
	report *cluster.Report
	begun  bool
}

// WriteHeader implements http.ResponseWriter.
func (w *reported) WriteHeader(code int) {
	if missing := w.report.Missing(); !w.begun && len(missing) > 0 {
		w.Header().Set(Incomplete, strings.Join(missing, ", "))
	}
	w.begun = true
	w.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (w *reported) Write(b []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (w *reported) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// writePickle writes what a graphite-web that asks us reads: a list of dicts.
func writePickle(w http.ResponseWriter, r *rendering) error {
	j := plainReply(w, "application/pickle")
	j.buf = pickle.BeginList(pickle.Begin(j.buf))
	for _, s := range r.series {
		j.buf = appendPickled(j.buf, s)
		j.spill()
	}
	j.buf = pickle.End(pickle.EndList(j.buf))
	return j.end()
}

// consolidation is how values become one, as graphite-web names it.
func consolidation(s *query.Series) string { return cmp.Or(s.Consolidation, "average") }

func appendPickled(dst []byte, s *query.Series) []byte {
	key := func(name string) { dst = pickle.AppendString(dst, name) }
	dst = pickle.BeginDict(dst)
	for _, f := range []struct{ key, value string }{{"name", s.Name}, {"pathExpression", s.PathExpression}, {"consolidationFunc", consolidation(s)}} {
		key(f.key)
		dst = pickle.AppendString(dst, f.value)
	}
	for _, f := range []struct {
		key   string
		value int64
	}{{"start", s.Start}, {"end", s.End}, {"step", s.Step}, {"valuesPerPoint", int64(max(s.ValuesPerPoint, 1))}} {
		key(f.key)
		dst = pickle.AppendInt(dst, f.value)
	}
	key("xFilesFactor")
	dst = pickle.AppendFloat(dst, s.XFilesFactor)
	key("values")
	dst = pickle.BeginList(dst)
	for _, v := range s.Points() {
		switch {
		case query.IsNull(v):
			dst = pickle.AppendNone(dst)
		case s.Whole:
			dst = pickle.AppendInt(dst, int64(v))
		default:
			dst = pickle.AppendFloat(dst, v)
		}
	}
	return pickle.EndDict(pickle.EndList(dst))
}

// writeMsgpack is writePickle in MessagePack.
func writeMsgpack(w http.ResponseWriter, r *rendering) error {
	j := plainReply(w, "application/x-msgpack")
	j.buf = msgpack.AppendArray(j.buf, len(r.series))
	for _, s := range r.series {
		j.buf = appendPacked(j.buf, s)
		j.spill()
	}
	return j.end()
}

// packedFields is how many appendPacked appends.
const packedFields = 9

func appendPacked(dst []byte, s *query.Series) []byte {
	key := func(name string) { dst = msgpack.AppendString(dst, name) }
	dst = msgpack.AppendMap(dst, packedFields)
	for _, f := range []struct{ key, value string }{{"name", s.Name}, {"pathExpression", s.PathExpression}, {"consolidationFunc", consolidation(s)}} {
		key(f.key)
		dst = msgpack.AppendString(dst, f.value)
	}
	for _, f := range []struct {
		key   string
		value int64
	}{{"start", s.Start}, {"end", s.End}, {"step", s.Step}, {"valuesPerPoint", int64(max(s.ValuesPerPoint, 1))}} {
		key(f.key)
		dst = msgpack.AppendInt(dst, f.value)
	}
	key("xFilesFactor")
	dst = msgpack.AppendFloat(dst, s.XFilesFactor)
	key("values")
	points := s.Points()
	dst = msgpack.AppendArray(dst, len(points))
	for _, v := range points {
		switch {
		case query.IsNull(v):
			dst = msgpack.AppendNil(dst)
		case s.Whole:
			dst = msgpack.AppendInt(dst, int64(v))
		default:
			dst = msgpack.AppendFloat(dst, v)
		}
	}
	return dst
}
