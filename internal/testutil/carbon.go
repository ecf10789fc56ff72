package testutil

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Carbon is Debian's carbon-cache on loopback. It takes lines over TCP and UDP
// at one port, and pickles at another.
type Carbon struct {
	Dir          string
	Line, Pickle int // ports
	path         string
}

const carbonConf = `[cache]
STORAGE_DIR = %[1]s
LOCAL_DATA_DIR = %[1]s/whisper
CONF_DIR = %[1]s
LOG_DIR = %[1]s
PID_DIR = %[1]s
USER =
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = inf
WHISPER_SPARSE_CREATE = True
LOG_LISTENER_CONN_SUCCESS = False
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = %[2]d
ENABLE_UDP_LISTENER = True
UDP_RECEIVER_INTERFACE = 127.0.0.1
UDP_RECEIVER_PORT = %[2]d
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = %[3]d
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = %[4]d
ENABLE_TAGS = False
`

// NewCarbon configures a carbon that keeps points so: "10s:60d", one archive.
// It listens when it is started.
func NewCarbon(t testing.TB, retentions string) *Carbon {
	t.Helper()
	c := &Carbon{Dir: t.TempDir(), Line: FreePort(t), Pickle: FreePort(t), path: Peer(t, "carbon-cache")}
	conf := fmt.Appendf(nil, carbonConf, c.Dir, c.Line, c.Pickle, FreePort(t))
	require.NoError(t, os.WriteFile(filepath.Join(c.Dir, "carbon.conf"), conf, 0o644))
	schemas := "[all]\npattern = .*\nretentions = " + retentions + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(c.Dir, "storage-schemas.conf"), []byte(schemas), 0o644))
	return c
}

// Start starts it, until the test's end.
func (c *Carbon) Start(t testing.TB) {
	t.Helper()
	Start(t, c.path, "--config="+filepath.Join(c.Dir, "carbon.conf"), "--pidfile="+filepath.Join(c.Dir, "pid"), "--nodaemon", "start")
	Eventually(t, StartLimit, Listens(c.Line))
	Eventually(t, StartLimit, Listens(c.Pickle))
}

// File returns the path of the whisper file of a series.
func (c *Carbon) File(name string) string {
	return filepath.Join(c.Dir, "whisper", filepath.FromSlash(strings.ReplaceAll(name, ".", "/"))+".wsp")
}

// Points returns what is stored of a series, by Unix second; nothing before
// carbon has made its file.
//
// A whisper file is a head of 16 bytes, 12 bytes for each archive, and the
// archives: points of a second in 4 bytes and a float in 8, all big-endian; a
// place that was never written has second 0.
func (c *Carbon) Points(t testing.TB, name string) map[int64]float64 {
	t.Helper()
	data, err := os.ReadFile(c.File(name))
	if os.IsNotExist(err) || len(data) < 28 {
		return nil
	}
	require.NoError(t, err)
	require.EqualValues(t, 1, binary.BigEndian.Uint32(data[12:]), "archives of %s", name)
	points := make(map[int64]float64)
	for at := data[binary.BigEndian.Uint32(data[16:]):]; len(at) >= 12; at = at[12:] {
		if second := binary.BigEndian.Uint32(at); second != 0 {
			points[int64(second)] = math.Float64frombits(binary.BigEndian.Uint64(at[4:]))
		}
	}
	return points
}
