package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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
	name := r.URL.Query().Get("name")
	if !validBackup(name) {
		http.Error(w, "name: letters, digits, '-', '_' and dots, not a dot first", http.StatusBadRequest)
		return
	}
	dir := filepath.Join(s.opt.Data, "backups", name)
	err := s.makeBackup(dir)
	switch {
	case errors.Is(err, fs.ErrExist):
		http.Error(w, "there is a backup of that name", http.StatusConflict)
		return
	case err != nil:
		s.log.Error("no backup was made", "err", err)
		http.Error(w, "no backup was made; the server's log says why", http.StatusInternalServerError)
		return
	}
	s.log.Info("a backup was made", "dir", dir)
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"path": dir}) // the client's loss
}

func (s *Server) makeBackup(dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("make backup: %s: %w", dir, fs.ErrExist)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return fmt.Errorf("make backup: %w", err)
	}
	return s.copyStore(dir)
}
