package extract_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// scenario is a way in which logs are written, rotated and spoilt. It starts
// after a first run; all lines must have arrived once when it has been played.
type scenario struct {
	name string
	play func(w *world)
	says string // part of what the program may say; empty: it must be silent
}

var appending = []scenario{
	{name: "nothing new", play: func(w *world) { w.exits(0); w.exits(0) }},
	{name: "appends of any size", play: func(w *world) {
		for _, n := range []int{1, 0, 7, 300, 8000, 2} {
			w.write(n)
			w.exits(0)
		}
	}},
	{name: "partial last line", play: func(w *world) { w.write(3); w.begin(); w.exits(0); w.exits(0); w.write(1) }},
	{name: "line in two halves", play: func(w *world) {
		for range 5 {
			w.begin()
			w.exits(0)
			w.write(4)
		}
	}},
	{name: "half a line, ended in the renamed file", play: func(w *world) {
		w.begin()
		w.rotate()
		w.exits(0)
		w.writeTo(".1", 3)
		w.write(2)
	}},
	{name: "half a line, then copytruncate", play: func(w *world) {
		w.begin()
		w.exits(0)
		w.write(1)
		w.copytruncate(".1")
		w.write(3)
	}},
	{name: "empty file at first", play: func(w *world) { w.rotate(); w.exits(0); w.exits(0); w.write(5); w.rotate() }},
}

var rotating = []scenario{
	{name: "rename and create", play: func(w *world) { w.write(50); w.rotate(); w.write(50) }},
	{name: "writer still at the renamed file", play: func(w *world) {
		w.write(5)
		w.rotate()
		w.exits(0)
		w.writeTo(".1", 20)
		w.exits(0)
		w.writeTo(".1", 3)
		w.write(9)
	}},
	{name: "copytruncate", play: func(w *world) { w.write(50); w.copytruncate(".1"); w.write(5) }},
	{name: "copytruncate, grown past the old offset", play: func(w *world) { w.write(5); w.copytruncate(".1"); w.write(500) }},
	{name: "copytruncate, run between copy and truncation", play: func(w *world) {
		w.write(20)
		w.copyTo(".1")
		w.write(20)
		w.exits(0)
		w.truncate()
		w.exits(0)
		w.write(5)
	}},
	{name: "several rotations between two runs", play: func(w *world) {
		for range generations - 1 {
			w.write(40)
			w.rotate()
		}
		w.write(9)
	}},
	{name: "two rotations, each in another way", play: func(w *world) {
		w.write(10)
		w.rotate()
		w.write(10)
		w.shift()
		w.copytruncate(".1")
		w.write(10)
	}},
	{name: "rotations with empty files", play: func(w *world) { w.write(4); w.rotate(); w.rotate(); w.rotate(); w.write(9) }},
	{name: "gzip delayed", play: func(w *world) {
		for i := range 4 {
			w.write(50)
			if i > 0 {
				w.compress(".1", "gzip")
			}
			w.rotate()
		}
		w.write(9)
	}},
	{name: "live path missing for a moment", play: func(w *world) {
		w.write(20)
		w.move("", ".1")
		w.exits(0)
		w.exits(0)
		w.create()
		w.write(4)
	}, says: "the log is missing"},
	{name: "live path missing, nothing left", play: func(w *world) {
		w.remove("")
		w.exits(0)
		w.create()
		w.write(4)
	}, says: "the "},
}

// dateext has each form in which logrotate and others date generations.
func dateext() (list []scenario) {
	for _, dates := range [][]string{
		{"-20251130", "-20251201"},
		{"-2025113023", "-2025120100"},
		{"-20251130-1764460800", "-20251201-1764547200"},
		{".2025-11-30", ".2025-12-01"},
		{"-2025-11-30", "-2025-12-01"},
		{".20251130", ".20251201"},
		{"-20251130-235900", "-20251201-000000"},
		{"-1764460800", "-1764547200"},
		{".1711123199", ".1711123200"}, // the year 1711 it is not
		{"-20251130.9", "-20251130.10"},
	} {
		for _, tool := range []string{"", "gzip"} {
			list = append(list, scenario{name: strings.TrimSpace("dateext " + dates[0] + " " + tool), play: func(w *world) {
				for _, date := range dates {
					w.write(20)
					w.move("", date)
					w.create()
					if tool != "" {
						w.compress(date, tool)
					}
				}
				w.write(3)
			}})
		}
	}
	return list
}

// dateBeforeExtension has the forms in which logrotate's "extension" and Java's
// appenders date generations: app-20251130.log.
func dateBeforeExtension() (list []scenario) {
	for _, dates := range [][]string{
		{"-20251130", "-20251201"}, {".2025-11-30", ".2025-12-01"}, {"-2025-11-30-9", "-2025-11-30-10"}, {"-2025113022", "-2025113023"},
	} {
		for _, tool := range []string{"", "gzip"} {
			list = append(list, scenario{name: strings.TrimSpace("app" + dates[0] + ".log " + tool), play: func(w *world) {
				for _, date := range dates {
					w.write(20)
					file := filepath.Join(w.dir, "app"+date+".log")
					require.NoError(w.t, os.Rename(w.log(), file))
					w.create()
					if tool != "" {
						w.compressFile(file, tool)
					}
				}
				w.write(3)
			}})
		}
	}
	return list
}

// compressed has each compression, at once and one rotation later.
func compressed() (list []scenario) {
	for _, tool := range []string{"gzip", "zstd", "bzip2", "xz"} {
		list = append(list, scenario{name: tool + " at once", play: func(w *world) {
			w.write(50)
			w.rotate()
			w.compress(".1", tool)
			w.write(9)
		}}, scenario{name: tool + " twice between two runs", play: func(w *world) {
			for range 2 {
				w.write(50)
				w.rotate()
				w.compress(".1", tool)
			}
			w.write(9)
		}})
	}
	return list
}

var replaced = []scenario{
	{name: "truncated and grown past the old offset", play: func(w *world) { w.truncate(); w.write(700) }, says: "is gone"},
	{name: "truncated, shorter", play: func(w *world) { w.truncate(); w.write(2) }, says: "is gone"},
	{name: "deleted and recreated", play: func(w *world) { w.remove(""); w.write(4) }, says: "is gone"},
	{name: "deleted and recreated, longer", play: func(w *world) { w.remove(""); w.write(400) }, says: "is gone"},
	{name: "replaced by a shorter file", play: func(w *world) {
		w.writeTo(".new", 1)
		w.move(".new", "")
		w.write(1)
	}, says: "is gone"},
	{name: "no generation kept", play: func(w *world) {
		for range 3 {
			w.write(30)
			w.exits(0)
			w.move("", ".1")
			w.remove(".1")
			w.create()
			w.write(3)
		}
	}, says: "is gone"},
	{name: "copied back under another inode", play: func(w *world) { w.copyTo(".new"); w.move(".new", ""); w.write(3) }},
}

var content = []scenario{
	{name: "NUL region after a crash", play: func(w *world) {
		w.write(20)
		w.exits(0)
		w.raw("", "event id"+strings.Repeat("\x00", 70000))
		w.write(20)
		w.exits(0)
		w.raw("", strings.Repeat("\x00", 4096))
		w.exits(0)
		w.write(2)
	}, says: "skipped NUL bytes"},
	{name: "4 MiB line", play: func(w *world) {
		w.write(2)
		w.raw("", "event id=99 "+strings.Repeat("x", 4<<20)+"\n")
		w.write(2)
		w.exits(0)
		w.raw("", "event id=99 "+strings.Repeat("x", 4<<20))
		w.exits(0)
		w.raw("", "\n")
		w.write(3)
	}, says: "skipped a line that is too long"},
	{name: "CRLF", play: func(w *world) {
		for range 5 {
			w.raw("", strings.Replace(w.line(), "\n", "\r\n", 1))
			w.raw("", "\r\n")
		}
	}},
	{name: "invalid UTF-8 and control characters", play: func(w *world) {
		for _, tail := range []string{"\xff\xfe", "\xc3", "\x00", "\x1b[2J", "\r", "\x7f\b"} {
			w.raw("", strings.TrimSuffix(w.line(), "\n")+tail+"\n"+tail+"\n")
		}
	}},
}

func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, group := range [][]scenario{appending, rotating, dateext(), dateBeforeExtension(), compressed(), replaced, content} {
		for _, s := range group {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				s.play(w)
				w.exact()
				if s.says == "" {
					assert.Empty(t, w.said, "a good run prints nothing")
				} else {
					assert.Contains(t, w.said, s.says)
				}
			})
		}
	}
}
