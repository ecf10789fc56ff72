package whisper

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"strings"
)

// Ext is how the names of whisper files end.
const Ext = ".wsp"

// taggedDir is where carbon puts series with tags: below two folders named by
// the start of the name's SHA-256, so that no folder gets too many.
const taggedDir = "_tagged"

// dot stands for '.' in the file name of a series with tags.
const dot = "_DOT_"

// Path returns where carbon keeps a series, with slashes, below its folder.
// name is canonical. Names with tags that file names cannot have ('/' in a
// value, or more than 255 bytes) get the name's hash, as with carbon's
// TAG_HASH_FILENAMES.
func Path(name string) string {
	if !strings.Contains(name, ";") {
		return strings.ReplaceAll(name, ".", "/") + Ext
	}
	sum := sha256.Sum256([]byte(name))
	hash := hex.EncodeToString(sum[:])
	file := strings.ReplaceAll(name, ".", dot)
	if strings.Contains(file, "/") || len(file)+len(Ext) > 255 {
		file = hash
	}
	return path.Join(taggedDir, hash[:3], hash[3:6], file) + Ext
}

// Name returns the series that carbon keeps at a path with slashes. ok is false
// for what is no whisper file, and for a series with tags of which only the hash
// is there.
func Name(file string) (name string, ok bool) {
	file, ok = strings.CutSuffix(path.Clean(file), Ext)
	if !ok || file == "" || strings.HasPrefix(file, "..") {
		return "", false
	}
	if dir, last := path.Split(file); strings.HasPrefix(dir, taggedDir+"/") {
		if !strings.Contains(last, ";") {
			return "", false
		}
		return strings.ReplaceAll(last, dot, "."), true
	}
	return strings.ReplaceAll(file, "/", "."), true
}
