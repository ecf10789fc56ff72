// Package cluster asks other nodes, ours or graphite-web, for what they have, so
// that one answers for all.
//
// It promises that a node that is down, slow or confused costs no more than its
// part of the answer: it is counted, and [Report] tells who asks. Nodes are asked
// for what is their own ("local=1"), so that two that ask each other do not go on
// for ever. It follows no redirections, takes answers of bounded size, and asks
// nobody but the nodes that it was made with. Start from [New] and [Nodes].
package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// DefaultTimeout is how long a node may take for an answer.
const DefaultTimeout = 6 * time.Second

// DefaultRetry is for how long a node that could not be reached is not asked.
const DefaultRetry = 10 * time.Second

// maxAnswer is how many bytes an answer may have: 10 million points.
const maxAnswer = 256 << 20

// Options configure Nodes.
type Options struct {
	URLs    []string      // "http://host:port", with what stands before /render, if anything
	Timeout time.Duration // 0: DefaultTimeout
	Retry   time.Duration // 0: DefaultRetry
	Now     func() time.Time
	Log     *slog.Logger // nil: none
}

// Nodes are the others of a cluster; nil: none. Its methods may be called
// concurrently.
type Nodes struct {
	opt    Options
	list   []*node
	client *http.Client
}

// node is one of them.
type node struct {
	url     string
	host    string
	down    atomic.Int64 // Unix nanoseconds until which it is not asked
	asked   atomic.Uint64
	failed  atomic.Uint64
	skipped atomic.Uint64 // it was not asked, for it was down
}

// New returns the nodes at URLs. The error is about one that is none.
func New(opt Options) (*Nodes, error) {
	opt.Timeout, opt.Retry = cmp.Or(opt.Timeout, DefaultTimeout), cmp.Or(opt.Retry, DefaultRetry)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	n := &Nodes{opt: opt, client: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 8, MaxConnsPerHost: 32, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for _, text := range opt.URLs {
		if err := Check(text); err != nil {
			return nil, err
		}
		u, _ := url.Parse(text) // Check did
		n.list = append(n.list, &node{url: strings.TrimSuffix(text, "/"), host: u.Host})
	}
	return n, nil
}

// Check says what is wrong with the URL of a node.
func Check(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return err
	case u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("%q is not like http://host:port", text)
	}
	return nil
}

// Close closes connections that nobody uses.
func (n *Nodes) Close() { n.client.CloseIdleConnections() }

// each calls read with the answer of each node to GET path?query, at the same
// time, and waits. Nodes that give none are told to the context's Report.
func (n *Nodes) each(ctx context.Context, path string, query url.Values, read func(i int, body io.Reader) error) {
	query.Set("local", "1")
	var wg sync.WaitGroup
	for i, node := range n.list {
		wg.Go(func() {
			err := n.ask(ctx, node, path, query, func(body io.Reader) error { return read(i, body) })
			if err == nil {
				return
			}
			reportOf(ctx).miss(node.host)
			if !errors.Is(err, errDown) && ctx.Err() == nil {
				node.failed.Add(1)
				n.opt.Log.Warn("a node of the cluster gave no answer", "node", node.host, "err", err)
			}
		})
	}
	wg.Wait()
}

// errDown means that the node is not asked for a while.
var errDown = errors.New("it was down a moment ago")

func (n *Nodes) ask(ctx context.Context, node *node, path string, query url.Values, read func(io.Reader) error) error {
	if n.opt.Now().UnixNano() < node.down.Load() {
		node.skipped.Add(1)
		return errDown
	}
	node.asked.Add(1)
	asking, cancel := context.WithTimeout(ctx, n.opt.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(asking, http.MethodGet, node.url+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := n.client.Do(req)
	if err != nil {
		if ctx.Err() == nil { // it is the node's fault, not that of a client who has gone
			node.down.Store(n.opt.Now().Add(n.opt.Retry).UnixNano())
		}
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask %s%s: status %d", node.url, path, resp.StatusCode)
	}
	body := &io.LimitedReader{R: resp.Body, N: maxAnswer}
	if err := read(body); err != nil {
		return fmt.Errorf("read answer of %s%s: %w", node.url, path, err)
	}
	if body.N == 0 {
		return fmt.Errorf("read answer of %s%s: it has more than %d bytes", node.url, path, maxAnswer)
	}
	return nil
}

// Figures returns what was counted, by node.
func (n *Nodes) Figures() (list []telemetry.Figure) {
	if n == nil {
		return nil
	}
	for _, node := range n.list {
		labels := []telemetry.Label{{Key: "node", Value: node.host}}
		for _, f := range []struct {
			name  string
			value *atomic.Uint64
		}{{"remoteRequests", &node.asked}, {"remoteFailures", &node.failed}, {"remoteSkipped", &node.skipped}} {
			list = append(list, telemetry.Figure{Name: f.name, Labels: labels, Value: float64(f.value.Load()), Counter: true})
		}
	}
	return list
}
