package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/store"
)

// maxBackupName bounds the names of backups, in bytes.
const maxBackupName = 100

// validBackup reports whether name is one of a directory below ours, and no more:
// letters, digits, '-', '_' and dots, of which none is the first.
func validBackup(name string) bool {
	const signs = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	return name != "" && len(name) <= maxBackupName && name[0] != '.' && strings.Trim(name, signs) == ""
}

// backup answers POST /admin/backup?name=NAME: it makes a copy of the store below
// the data directory, while samples are taken.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) {
	name := parameter(w, r, "name")
	if !validBackup(name) {
		http.Error(w, "name: letters, digits, '-', '_' and dots, not a dot first", http.StatusBadRequest)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a large one takes its time
	dir := filepath.Join(s.opt.Data, "backups", name)
	if s.failed(w, "no backup was made", s.makeBackup(r.Context(), dir)) {
		return
	}
	s.log.Info("a backup was made", "dir", dir)
	done(w, map[string]string{"path": dir})
}

// makeBackup leaves nothing behind when it fails.
func (s *Server) makeBackup(ctx context.Context, dir string) error {
	s.backups.Lock()
	defer s.backups.Unlock()
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("make backup %q: %w", dir, fs.ErrExist)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("make backup: %w", err)
	}
	err := s.db.Checkpoint(ctx, dir)
	if err != nil {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// maxForm bounds what is read of a form, in bytes.
const maxForm = 64 << 10

// parameter returns a parameter of the query, or of a form, "" without it. A ';' in it
// is part of a name with tags, encoded or not.
func parameter(w http.ResponseWriter, r *http.Request, name string) string {
	if r.Form == nil {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, ";", "%3B")
		_ = r.ParseForm() // what can be read is there
	}
	return r.Form.Get(name)
}

// remove answers POST /admin/delete?name=SERIES.
func (s *Server) remove(w http.ResponseWriter, r *http.Request) {
	name := parameter(w, r, "name")
	if name == "" {
		http.Error(w, "name: which series is to be deleted", http.StatusBadRequest)
		return
	}
	if s.failed(w, "the series is not deleted", s.db.Delete(name)) {
		return
	}
	s.log.Info("a series was deleted", "series", name)
	done(w, map[string]string{"deleted": name})
}

// rename answers POST /admin/rename?from=SERIES&to=SERIES.
func (s *Server) rename(w http.ResponseWriter, r *http.Request) {
	from, to := parameter(w, r, "from"), parameter(w, r, "to")
	if from == "" || to == "" {
		http.Error(w, "from, to: which series is to be renamed, and how", http.StatusBadRequest)
		return
	}
	if s.failed(w, "the series is not renamed", s.db.Rename(from, to)) {
		return
	}
	s.log.Info("a series was renamed", "series", from, "to", to)
	done(w, map[string]string{"from": from, "to": to})
}

func done(w http.ResponseWriter, what map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(what) // the client's loss
}

// failed answers for an error, and reports whether there is one. What is wrong
// with the disk is for the log alone.
func (s *Server) failed(w http.ResponseWriter, what string, err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, store.ErrName):
		http.Error(w, what+": a series cannot be called so", http.StatusBadRequest)
	case errors.Is(err, store.ErrNoSeries):
		http.Error(w, what+": there is none of that name", http.StatusNotFound)
	case errors.Is(err, fs.ErrExist), errors.Is(err, store.ErrExists):
		http.Error(w, what+": there is one of that name", http.StatusConflict)
	case errors.Is(err, store.ErrFull):
		w.Header().Set("Retry-After", "10")
		http.Error(w, what+": the disk is full", http.StatusServiceUnavailable)
	default:
		s.log.Error(what, "err", err)
		http.Error(w, what+"; the server's log says why", http.StatusInternalServerError)
	}
	return true
}
