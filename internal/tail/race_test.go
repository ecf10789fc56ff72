package tail_test

import (
	"testing"

	"github.com/logmetrics/logmetrics/internal/vfs"
)

// meddledBlock tells reads of blocks from others.
const meddledBlock = 4 << 10

// meddling is a file system where something happens just before a block is read.
type meddling struct {
	vfs.FS
	happen func(off int64)
}

func (m *meddling) Open(name string) (vfs.File, error) {
	f, err := m.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return meddled{f, m}, nil
}

type meddled struct {
	vfs.File
	m *meddling
}

func (f meddled) ReadAt(p []byte, off int64) (int, error) {
	if len(p) == meddledBlock && f.m.happen != nil {
		f.m.happen(off)
	}
	return f.File.ReadAt(p, off)
}

// TestCopiedAndTruncatedBetweenLookAndRead: a log that was known again is copied
// and truncated, and written to, before a block of it is read.
func TestCopiedAndTruncatedBetweenLookAndRead(t *testing.T) {
	for _, at := range []string{"beginning", "middle"} {
		t.Run(at, func(t *testing.T) {
			r := follow(t)
			r.rig.buf = meddledBlock
			m := &meddling{FS: vfs.OS{}}
			r.opt.FS = m
			r.restart()
			if at == "beginning" {
				r.copytruncate()
			}
			r.append(5)
			m.happen = func(off int64) {
				if at == "beginning" && off > 0 {
					return
				}
				m.happen = nil
				r.copytruncate()
				r.append(60) // beyond the place that is read at
			}
			for range 3 { // what the first look does not find the next does
				r.got = append(r.got, r.read(r.f, all)...)
			}
			r.exact()
		})
	}
}
