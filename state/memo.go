package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/logmetrics/logmetrics/internal/vfs"
)

// The memo of an output: what it has to know of batches that it took before,
// such as running totals. It has a file of its own, NAME.HASH.memo, so that
// the state stays small:
//
//	+-----------------------+---------+
//	| "LMO"                 | 3       |
//	| version, 1            | 1       |
//	| length of name, name  | uv, n   |  of the output
//	| what the output keeps | to the checksum
//	| crc32c of all above   | 4       |
//	+-----------------------+---------+
const (
	memoMagic   = "LMO"
	memoVersion = 1
	memoSuffix  = ".memo"
)

func (j *Job) memoFile(output string) string {
	return j.path("." + digest(appendText(nil, output)) + memoSuffix)
}

// Memo returns what Remember kept for output, nil when there is none. A file
// that is damaged is kept aside and said: the output begins anew.
func (j *Job) Memo(output string) ([]byte, error) {
	name := j.memoFile(output)
	src, err := read(j.opt.FS, name)
	if err == nil {
		var memo []byte
		if memo, err = parseMemo(src, output); err == nil {
			return memo, nil
		}
		err = fmt.Errorf("read %q: %w", name, err)
	}
	switch {
	case missing(err):
		return nil, nil
	case !errors.Is(err, ErrCorrupt):
		return nil, err
	}
	j.opt.Log.Error("what an output remembers is damaged and kept aside; its running totals begin anew", "output", output, "file", name+damagedAs, "err", err)
	if err := j.opt.FS.Rename(name, name+damagedAs); err != nil {
		return nil, fmt.Errorf("put aside a damaged memo: %w", advise(err))
	}
	return nil, nil
}

// Remember keeps memo for output. It is called before [Job.Took], so after a
// crash between the two the batches that it holds are offered once more; the
// output knows by their IDs. 2 fsyncs.
func (j *Job) Remember(output string, memo []byte) error {
	dst := append([]byte(memoMagic), memoVersion)
	dst = append(appendText(dst, output), memo...)
	vfs.Point("before-memo")
	err := replace(j.opt.FS, j.memoFile(output), binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst, castagnoli)))
	vfs.Point("after-memo")
	return err
}

// parseMemo returns what the output keeps. Its errors wrap ErrCorrupt, or errNewer.
func parseMemo(src []byte, output string) ([]byte, error) {
	n := len(src) - trailer
	if n < len(memoMagic)+1 || string(src[:len(memoMagic)]) != memoMagic {
		return nil, corrupt("%d bytes that are no memo", len(src))
	}
	if crc32.Checksum(src[:n], castagnoli) != binary.LittleEndian.Uint32(src[n:]) {
		return nil, corrupt("the checksum is wrong")
	}
	if v := src[len(memoMagic)]; v != memoVersion {
		return nil, fmt.Errorf("version %d: %w", v, errNewer)
	}
	d := decoder{rest: src[len(memoMagic)+1 : n]}
	if name := d.text(); d.failed || name != output {
		return nil, corrupt("it is of the output %q", name)
	}
	return d.rest, nil
}
