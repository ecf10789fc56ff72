// Package kv answers GET, PUT and DELETE of values by key over HTTP: what a page
// keeps on the server, such as dashboards.
//
// It promises that a value that was put is durable, bounds on what is kept, and
// that a change that is asked for on the condition that nobody else changed the
// value (If-Match, If-None-Match) is made on that condition alone. A value is
// bytes to it. It does not decide who may ask. Start from [New].
package kv

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// Limits of names and values.
const (
	MaxName  = 200       // bytes of a container's name, and of a key
	MaxValue = 256 << 10 // bytes of a value
	MaxKeys  = 10_000    // of a container
)

// prefix is what keys in the store begin with.
const prefix = "kv."

// Keeper keeps values by key, durably; *store.DB does.
type Keeper interface {
	Keep(key string, value []byte) error
	Drop(key string) error
	Kept(prefix string) ([]store.Pair, error)
}

// API answers requests. Its methods may be called concurrently.
type API struct {
	keeper Keeper
	mu     sync.Mutex // held from a look at what is there until it is changed
}

// New returns an API over what keeper keeps. Nobody else is to change that.
func New(keeper Keeper) *API { return &API{keeper: keeper} }

// Route is a handler and what it answers.
type Route struct {
	Pattern string // of [http.ServeMux]
	Change  bool   // it changes what is kept
	Handler http.Handler
}

// Routes returns all that the API answers: /kv/CONTAINER/KEY with a value as it
// was put and its ETag, 404 where there is none; /kv/CONTAINER/ with its keys, a
// JSON list. A key may have slashes, which proxies do not leave escaped. Changes
// heed If-Match and If-None-Match with 412.
func (a *API) Routes() []Route {
	return []Route{
		{"GET /kv/{container}/{$}", false, answer(a.list)},
		{"GET /kv/{container}/{key...}", false, answer(a.get)},
		{"PUT /kv/{container}/{key...}", true, answer(a.put)},
		{"POST /kv/{container}/{key...}", true, answer(a.put)},
		{"DELETE /kv/{container}/{key...}", true, answer(a.remove)},
	}
}

// refusal is an error with the code of its answer.
type refusal struct {
	code int
	text string
}

func (r *refusal) Error() string { return r.text }

// answer makes a handler of one that may fail.
func answer(fn func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := fn(w, r)
		var no *refusal
		var long *http.MaxBytesError
		switch {
		case err == nil:
		case errors.As(err, &no):
			http.Error(w, no.text, no.code)
		case errors.As(err, &long):
			http.Error(w, fmt.Sprintf("a value has at most %d bytes", long.Limit), http.StatusRequestEntityTooLarge)
		case errors.Is(err, store.ErrKept):
			http.Error(w, err.Error(), http.StatusInsufficientStorage)
		default:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
}

// key returns where a request's value is kept.
func key(r *http.Request, name string) (string, error) {
	container := r.PathValue("container")
	for _, s := range []string{container, name} {
		if s == "" || len(s) > MaxName || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return "", &refusal{http.StatusBadRequest, fmt.Sprintf("a name has 1 to %d bytes of UTF-8", MaxName)}
		}
	}
	if strings.Contains(container, "/") || path.Clean("/"+name) != "/"+name {
		return "", &refusal{http.StatusBadRequest, "a container has no slash, and between slashes of a key is something else than . or .."}
	}
	return prefix + container + "\x00" + name, nil
}

// value returns what is kept under k.
func (a *API) value(k string) (b []byte, ok bool, err error) {
	pairs, err := a.keeper.Kept(k)
	if err != nil {
		return nil, false, fmt.Errorf("read: %w", err)
	}
	if len(pairs) == 0 || pairs[0].Key != k {
		return nil, false, nil
	}
	return pairs[0].Value, true, nil
}

// tag is the ETag of a value.
func tag(b []byte) string {
	sum := sha256.Sum256(b)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}

// names reports whether a list of ETags has that of a value, or is "*". A proxy
// that compressed the value has made the tag a weak one (W/"..."): it is the same.
func names(list string, b []byte) bool {
	return strings.TrimSpace(list) == "*" || strings.Contains(list, tag(b))
}

// unchanged refuses a change to k that was asked for on a condition that does not hold.
func (a *API) unchanged(k string, r *http.Request) error {
	is, not := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	if is == "" && not == "" {
		return nil
	}
	b, ok, err := a.value(k)
	switch {
	case err != nil:
		return err
	case is != "" && !(ok && names(is, b)):
		return &refusal{http.StatusPreconditionFailed, "the value was changed or deleted since it was read"}
	case not != "" && ok && names(not, b):
		return &refusal{http.StatusPreconditionFailed, "there is such a key already"}
	}
	return nil
}

func (a *API) get(w http.ResponseWriter, r *http.Request) error {
	k, err := key(r, r.PathValue("key"))
	if err != nil {
		return err
	}
	b, ok, err := a.value(k)
	if err != nil {
		return err
	}
	if !ok {
		return &refusal{http.StatusNotFound, "there is no such key"}
	}
	w.Header().Set("ETag", tag(b))
	return send(w, b)
}

// list answers with the keys of a container, in their order.
func (a *API) list(w http.ResponseWriter, r *http.Request) error {
	k, err := key(r, "*")
	if err != nil {
		return err
	}
	begin := strings.TrimSuffix(k, "*")
	pairs, err := a.keeper.Kept(begin)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	list := make([]string, len(pairs))
	for i, p := range pairs {
		list[i] = strings.TrimPrefix(p.Key, begin)
	}
	b, err := json.Marshal(list)
	if err != nil {
		return fmt.Errorf("write names: %w", err)
	}
	return send(w, b)
}

// send answers with a value as JSON that no browser takes for a page.
func send(w http.ResponseWriter, b []byte) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b) // the client's loss
	return nil
}

func (a *API) put(w http.ResponseWriter, r *http.Request) error {
	k, err := key(r, r.PathValue("key"))
	if err != nil {
		return err
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxValue))
	if err != nil {
		return fmt.Errorf("read value: %w", err)
	}
	if !json.Valid(b) {
		return &refusal{http.StatusBadRequest, "a value is JSON"}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.unchanged(k, r); err != nil {
		return err
	}
	if err := a.room(k, r); err != nil {
		return err
	}
	if err := a.keeper.Keep(k, b); err != nil {
		return fmt.Errorf("keep: %w", err)
	}
	w.Header().Set("ETag", tag(b))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// room refuses one key more than a container may have.
func (a *API) room(k string, r *http.Request) error {
	pairs, err := a.keeper.Kept(prefix + r.PathValue("container") + "\x00")
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if len(pairs) < MaxKeys {
		return nil
	}
	for _, p := range pairs {
		if p.Key == k {
			return nil
		}
	}
	return &refusal{http.StatusInsufficientStorage, fmt.Sprintf("a container has at most %d keys", MaxKeys)}
}

func (a *API) remove(w http.ResponseWriter, r *http.Request) error {
	k, err := key(r, r.PathValue("key"))
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.unchanged(k, r); err != nil {
		return err
	}
	if err := a.keeper.Drop(k); err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
