package cluster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/logmetrics/logmetrics/internal/serve/query"
)

// Bounds on an answer in the format raw.
const (
	maxRawLine = 64 << 20 // bytes: more points than a query may have
	maxStep    = 1 << 32
)

// errRaw means that a node's answer is not in the format raw.
var errRaw = errors.New("not like name,start,end,step|value,value")

// readRaw reads lines "name,start,end,step|value,value", where None is null. It
// stops when more comes than count allows.
func readRaw(body io.Reader, count *counter) (list []*query.Series, err error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), maxRawLine)
	for lines.Scan() {
		if len(lines.Bytes()) == 0 {
			continue
		}
		s, err := parseRaw(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("%w: %.60q", err, lines.Bytes())
		}
		if count.series.Add(-1) < 0 || count.points.Add(-int64(len(s.Values))) < 0 {
			return list, nil // whoever counts sees it
		}
		list = append(list, s)
	}
	return list, lines.Err()
}

func parseRaw(line []byte) (*query.Series, error) {
	bar := bytes.LastIndexByte(line, '|')
	if bar < 0 {
		return nil, errRaw
	}
	name, values := line[:bar], line[bar+1:]
	var numbers [3]int64 // step, end, start
	for i := range numbers {
		comma := bytes.LastIndexByte(name, ',')
		if comma < 0 {
			return nil, errRaw
		}
		n, err := strconv.ParseInt(string(name[comma+1:]), 10, 64)
		if err != nil {
			return nil, errRaw
		}
		numbers[i], name = n, name[:comma]
	}
	step, start := numbers[0], numbers[2]
	if step <= 0 || step > maxStep || start < 0 || start > 1<<40 || len(name) == 0 {
		return nil, errRaw
	}
	list, err := parseValues(values)
	if err != nil {
		return nil, err
	}
	return query.NewSeries(string(name), start, start+int64(len(list))*step, step, list), nil
}

func parseValues(text []byte) ([]float64, error) {
	if len(text) == 0 {
		return nil, nil
	}
	list := make([]float64, 0, bytes.Count(text, []byte{','})+1)
	for value := range bytes.SplitSeq(text, []byte{','}) {
		if string(value) == "None" {
			list = append(list, query.Null())
			continue
		}
		v, err := strconv.ParseFloat(string(value), 64)
		if err != nil {
			return nil, errRaw
		}
		list = append(list, v)
	}
	return list, nil
}
