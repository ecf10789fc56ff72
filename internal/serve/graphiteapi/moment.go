package graphiteapi

import (
	"strconv"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/query/when"
)

// moment returns a time that the request says, Unix seconds, or a default.
func moment(p params, name string, now time.Time, otherwise float64) (float64, error) {
	text := p.get(name)
	if !p.has(name) || text == "-1" {
		return otherwise, nil
	}
	if sec, err := strconv.ParseInt(text, 10, 64); err == nil && sec > 0 {
		return float64(sec), nil
	}
	if text == "now" {
		return float64(now.Unix()), nil
	}
	offset, err := when.Offset(text)
	if err != nil {
		return 0, invalid("Invalid value %s for param %s: %v", quoted(text), name, err)
	}
	return float64(now.Unix() + offset), nil
}
