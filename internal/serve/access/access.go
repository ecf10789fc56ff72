// Package access decides who may ask a server over HTTP for what.
//
// Each route has a [Class]. Reads are open, unless they are made to need a
// token; ingest is open where only this machine reaches the server; what changes
// anything else needs a token always. Against browsers, which carry other
// people's pages to a server on loopback, the Host must be one that the server
// is known by, and writes must not come from another origin. Every refusal is
// counted by its reason. It knows no user: who has a token may do everything.
// Start from [Guard].
package access

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// Class is what a request to a route does.
type Class uint8

// The classes, from the least to the most that can be done.
const (
	Health Class = iota // says whether the process is well: open to all
	Read                // shows what is kept
	Ingest              // adds samples
	Change              // changes or deletes anything else
)

// String returns the class as logs have it.
func (c Class) String() string { return [...]string{"health", "read", "ingest", "change"}[c] }

// Options configure a Guard. The zero value is for a server on loopback with
// open reads, at which nothing can be changed.
type Options struct {
	Tokens     *Tokens  // nil: there is none that would be right
	Hosts      []string // names that the server is known by, beside those of loopback
	Beyond     bool     // the server listens beyond loopback, so that ingest needs a token
	TokenReads bool     // reads need a token
	Origins    []string // of pages that may ask as ours do, "https://dash.example.org"
}

// Guard stands before routes. It is safe for concurrent use.
type Guard struct {
	opt     Options
	origin  *http.CrossOriginProtection
	refused [reasons]atomic.Uint64
}

// reason says why a request is refused.
type reason uint8

const (
	noReason reason = iota
	badHost
	badOrigin
	noToken
	badToken
	reasons
)

var reasonNames = [reasons]string{badHost: "host", badOrigin: "origin", noToken: "noToken", badToken: "badToken"}

// New returns a guard. The error is about an origin that is none.
func New(opt Options) (*Guard, error) {
	opt.Hosts = slices.Clone(opt.Hosts)
	for i, h := range opt.Hosts {
		opt.Hosts[i] = strings.ToLower(strings.TrimSuffix(h, "."))
	}
	g := &Guard{opt: opt, origin: http.NewCrossOriginProtection()}
	for _, o := range opt.Origins {
		if err := g.origin.AddTrustedOrigin(o); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// Around lets requests of a class through to next, and answers the others:
// 401 without a token where one is needed, 403 with a wrong one or from another
// origin, 421 for another host.
func (g *Guard) Around(class Class, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		g.share(w, r)
		why := g.check(class, r)
		if why == noReason {
			next.ServeHTTP(w, r)
			return
		}
		g.refused[why].Add(1)
		refuse(w, why)
	})
}

func (g *Guard) check(class Class, r *http.Request) reason {
	if class == Health {
		return noReason
	}
	if !g.knownHost(r) {
		return badHost
	}
	if g.origin.Check(r) != nil {
		return badOrigin
	}
	if !g.needsToken(class, r) {
		return noReason
	}
	token, ok := bearer(r.Header)
	switch {
	case !ok:
		return noToken
	case g.opt.Tokens == nil || !g.opt.Tokens.Has(token):
		return badToken
	}
	return noReason
}

// needsToken reports whether a request of the class does. One that another
// server has handed on came from anywhere, though from loopback at last.
func (g *Guard) needsToken(class Class, r *http.Request) bool {
	switch class {
	case Health:
		return false
	case Read:
		return g.opt.TokenReads
	case Ingest:
		return g.opt.Beyond || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
	case Change:
	}
	return true
}

// knownHost reports whether the request asks for a host that is this server. A
// page of somebody else whose name was made to lead here asks for that name; no
// browser can be made to send another. An address that the request came in at is
// no such name.
func (g *Guard) knownHost(r *http.Request) bool {
	host := hostOf(r.Host)
	if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return addr.IsLoopback() || addr.Unmap() == localAddr(r)
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(g.opt.Hosts, host)
}

// hostOf returns the host of HOST[:PORT], in lower case and without a final dot.
func hostOf(hostport string) string {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// localAddr returns the address that the request came in at.
func localAddr(r *http.Request) netip.Addr {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// bearer returns the token of an Authorization header. Clients of Influx send
// theirs as "Token", with the same meaning.
func bearer(h http.Header) (token string, ok bool) {
	scheme, token, ok := strings.Cut(h.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "Token") {
		return "", false
	}
	token = strings.TrimSpace(token)
	return token, token != ""
}

func refuse(w http.ResponseWriter, why reason) {
	code, text := http.StatusForbidden, ""
	switch why {
	case badHost:
		code, text = http.StatusMisdirectedRequest, "this server is not known by the host that was asked for; serve --hosts=NAME makes it so"
	case badOrigin:
		text = "a page of another origin must not do this"
	case noToken:
		code, text = http.StatusUnauthorized, "a token is needed: Authorization: Bearer TOKEN"
		w.Header().Set("WWW-Authenticate", `Bearer realm="logmetrics"`)
	default:
		text = "the token is not one of this server's"
	}
	w.Header().Set("Connection", "close") // a body that nobody will read may follow
	http.Error(w, text, code)
}

// Figures returns what was refused.
func (g *Guard) Figures() []telemetry.Figure {
	var list []telemetry.Figure
	for why := badHost; why < reasons; why++ {
		list = append(list, telemetry.Figure{
			Name: "refusedRequests", Labels: []telemetry.Label{{Key: "reason", Value: reasonNames[why]}},
			Value: float64(g.refused[why].Load()), Counter: true,
		})
	}
	return list
}

// Loopback reports whether only this machine reaches address, HOST:PORT. A name
// but localhost does not say so.
func Loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}
