package access

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
)

// Bounds on a file of tokens.
const (
	minToken      = 16      // bytes of a token: fewer could be tried
	maxToken      = 1 << 10 // bytes of a token
	maxTokens     = 100
	maxTokenFile  = 1 << 16
	newTokenBytes = 32 // of randomness in one that we make: 256 bits
)

// Tokens are the secrets that a server knows, from a file: one a line, so that
// a new one can be added before the old one goes. Empty lines and those that
// begin with '#' are none. It is safe for concurrent use.
type Tokens struct {
	path  string
	links int // syscall.O_NOFOLLOW, or 0
	sums  atomic.Pointer[[][sha256.Size]byte]
}

// OpenTokens reads the tokens in the file path, which may be a link, as secrets
// in containers are.
func OpenTokens(path string) (*Tokens, error) { return open(path, 0) }

func open(path string, links int) (*Tokens, error) {
	t := &Tokens{path: path, links: links}
	if err := t.Reload(); err != nil {
		return nil, err
	}
	return t, nil
}

// MakeTokens is OpenTokens for a file of our own, which is no link; when there is
// none it makes one, with a token from the system's randomness, which nobody but
// the owner may read.
func MakeTokens(path string) (*Tokens, error) {
	t, err := open(path, syscall.O_NOFOLLOW)
	if !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	secret := make([]byte, newTokenBytes)
	rand.Read(secret) // never fails
	if err := create(path, base64.RawURLEncoding.EncodeToString(secret)+"\n"); err != nil {
		return nil, fmt.Errorf("make token: %w", err)
	}
	return open(path, syscall.O_NOFOLLOW)
}

// create writes a file that there was none of, whole or not at all: a crash
// leaves the other name behind, which is taken over.
func create(path, text string) error {
	aside := path + ".new"
	if err := os.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(aside, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Reload reads the file again. After an error the tokens are those of before.
func (t *Tokens) Reload() error {
	list, err := read(t.path, t.links)
	if err != nil {
		return fmt.Errorf("read tokens: %w", err)
	}
	sums := make([][sha256.Size]byte, len(list))
	for i, token := range list {
		sums[i] = sha256.Sum256(token)
	}
	t.sums.Store(&sums)
	return nil
}

// Path returns where the tokens are.
func (t *Tokens) Path() string { return t.path }

// First returns the first token of the file as it is now, for the owner's eyes.
func (t *Tokens) First() (string, error) {
	list, err := read(t.path, t.links)
	if err != nil {
		return "", fmt.Errorf("read tokens: %w", err)
	}
	return string(list[0]), nil
}

// Has reports whether token is one of them. How long it takes tells nothing of
// what they are.
func (t *Tokens) Has(token string) bool {
	sum := sha256.Sum256([]byte(token))
	found := 0
	for _, own := range *t.sums.Load() {
		found |= subtle.ConstantTimeCompare(sum[:], own[:])
	}
	return found == 1
}

// read returns the tokens in a file, at least one.
func read(path string, links int) (list [][]byte, err error) {
	data, err := readPrivate(path, links)
	if err != nil {
		return nil, err
	}
	for n, line := range bytes.Split(data, []byte("\n")) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0 || line[0] == '#':
		case len(line) < minToken || len(line) > maxToken || bytes.ContainsFunc(line, notInToken):
			return nil, fmt.Errorf("%s: line %d is no token: %d to %d letters, digits and signs without blanks are one", path, n+1, minToken, maxToken)
		default:
			list = append(list, line)
		}
	}
	if len(list) == 0 || len(list) > maxTokens {
		return nil, fmt.Errorf("%s: it holds %d tokens, not 1 to %d", path, len(list), maxTokens)
	}
	return list, nil
}

func notInToken(r rune) bool { return r <= ' ' || r > '~' }

// readPrivate reads a file that others can neither read nor change.
func readPrivate(path string, links int) (data []byte, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|links|syscall.O_NONBLOCK, 0) // a FIFO would be waited for
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	fi, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !fi.Mode().IsRegular():
		return nil, fmt.Errorf("%s: it is no file", path)
	case fi.Mode().Perm()&0o006 != 0:
		return nil, fmt.Errorf("%s: everybody may read or change it; chmod o= %s", path, path)
	}
	data, err = io.ReadAll(io.LimitReader(f, maxTokenFile+1))
	if err == nil && len(data) > maxTokenFile {
		return nil, fmt.Errorf("%s: it is longer than %d bytes", path, maxTokenFile)
	}
	return data, err
}
