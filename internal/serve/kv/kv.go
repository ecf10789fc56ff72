// Package kv answers GET, PUT and DELETE of values by key over HTTP: what a page
// keeps on the server, such as dashboards.
//
// It promises that a value that was put is durable, and bounds on what is kept. A
// value is bytes to it. It does not decide who may ask. Start from [New].
package kv

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
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
type API struct{ keeper Keeper }

// New returns an API over what keeper keeps.
func New(keeper Keeper) *API { return &API{keeper} }

// Route is a handler and what it answers.
type Route struct {
	Pattern string // of [http.ServeMux]
	Change  bool   // it changes what is kept
	Handler http.Handler
}

// Routes returns all that the API answers: /kv/CONTAINER/KEY with a value as it
// was put, 404 where there is none; /kv/CONTAINER/ with its keys, a JSON list.
func (a *API) Routes() []Route {
	return []Route{
		{"GET /kv/{container}/{$}", false, answer(a.list)},
		{"GET /kv/{container}/{key}", false, answer(a.get)},
		{"PUT /kv/{container}/{key}", true, answer(a.put)},
		{"POST /kv/{container}/{key}", true, answer(a.put)},
		{"DELETE /kv/{container}/{key}", true, answer(a.remove)},
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
	return prefix + container + "\x00" + name, nil
}

func (a *API) get(w http.ResponseWriter, r *http.Request) error {
	k, err := key(r, r.PathValue("key"))
	if err != nil {
		return err
	}
	pairs, err := a.keeper.Kept(k)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if len(pairs) == 0 || pairs[0].Key != k {
		return &refusal{http.StatusNotFound, "there is no such key"}
	}
	return send(w, pairs[0].Value)
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
	names := make([]string, len(pairs))
	for i, p := range pairs {
		names[i] = strings.TrimPrefix(p.Key, begin)
	}
	b, err := json.Marshal(names)
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
	if err := a.room(k, r); err != nil {
		return err
	}
	if err := a.keeper.Keep(k, b); err != nil {
		return fmt.Errorf("keep: %w", err)
	}
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
	if err := a.keeper.Drop(k); err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
