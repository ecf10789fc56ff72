//go:build linux

package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/bench/process"
)

// send sends all points of a set to a port of this host as carbon's lines, in
// the order of their time, and waits until a line on the server's page of metrics says that all were taken.
func (s *set) send(port, page int, line *regexp.Regexp) error {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(conn, 1<<16)
	sent := s.lines(w)
	if err := w.Flush(); err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	for begin := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		got, err := process.Figure(page, line)
		if err != nil || got >= sent {
			return err
		}
		if time.Since(begin) > 3*time.Minute {
			return fmt.Errorf("took %d points of %d", got, sent)
		}
	}
}

// lines writes all points, and returns how many.
func (s *set) lines(w *bufio.Writer) (n int64) {
	kept := make([][]int64, s.series)
	longest := int64(0)
	for i := range kept {
		kept[i] = s.values(i)
		longest = max(longest, int64(len(kept[i]))*s.step(i))
	}
	var b []byte
	for at := s.end - longest + 10; at <= s.end; at += 10 {
		for i, values := range kept {
			k := int64(len(values)) - 1 - (s.end-at)/s.step(i)
			if k < 0 || at%s.step(i) != 0 {
				continue
			}
			b = append(append(b[:0], s.name(i)...), ' ')
			b = strconv.AppendFloat(b, float64(values[k])/100, 'f', -1, 64)
			b = append(strconv.AppendInt(append(b, ' '), at, 10), '\n')
			_, _ = w.Write(b) // Flush tells
			n++
		}
	}
	return n
}

// whisper writes all points as files of whisper's: a head of the way of
// aggregation, the retention, xFilesFactor and 1 for an archive; of the archive its
// place, step and points; then pairs of a second and a value, zeros where none is. All is big-endian.
func (s *set) whisper(dir string) error {
	made := map[string]bool{}
	for i := range s.series {
		file := filepath.Join(dir, strings.ReplaceAll(s.name(i), ".", "/")+".wsp")
		if folder := filepath.Dir(file); !made[folder] {
			made[folder] = true
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
		}
		if err := os.WriteFile(file, s.archive(i), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (s *set) archive(i int) []byte {
	values, step := s.values(i), s.step(i)
	slots := 2 * len(values)
	b := make([]byte, 0, 28+12*slots)
	for _, v := range []uint32{1, uint32(int64(slots) * step), math.Float32bits(0), 1, 28, uint32(step), uint32(slots)} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	for k, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(s.end-int64(len(values)-1-k)*step))
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(float64(v)/100))
	}
	return b[:cap(b)]
}
