package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/store"
	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/metric"
)

type dbDumpCmd struct {
	Series []string      `arg:"" help:"Names, or patterns as in Graphite: servers.*.cpu"`
	From   string        `group:"store" env:"-" placeholder:"WHEN" help:"Only what is not older: 2026-11-21, 2026-11-21T03:10:00Z, seconds since 1970, or a time ago as in 36h or 7d."`
	Until  string        `group:"store" placeholder:"WHEN" help:"Only what is older."`
	Step   time.Duration `group:"store" placeholder:"TIME" help:"Of the tier to print. Default: the finest that reaches back to --from."`
	Istatd bool          `group:"store" help:"The columns of istatd's filedump, of one series."`
	dataFlags
}

// Run prints what is kept.
func (k *dbDumpCmd) Run(ctx context.Context, c *console) error {
	from, err := parseWhen("--from", k.From, c.now())
	if err != nil {
		return err
	}
	until, err := parseWhen("--until", k.Until, c.now())
	if err != nil {
		return err
	}
	if k.Until == "" {
		until = c.now().Unix() + maxAhead
	}
	out := bufio.NewWriter(c.stdout)
	err = k.withStore(c, nil, func(db *store.DB) error {
		names, err := k.names(ctx, db)
		if err != nil {
			return err
		}
		d := dump{Writer: out, istatd: k.Istatd}
		d.header()
		for _, name := range names {
			if err := k.series(ctx, c, db, name, from, until, &d); err != nil {
				return err
			}
		}
		return nil
	})
	return errors.Join(err, out.Flush())
}

// names returns the series that are asked for.
func (k *dbDumpCmd) names(ctx context.Context, db *store.DB) (list []string, err error) {
	for _, pattern := range k.Series {
		found, err := db.Names().Expand(ctx, pattern, 0)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("no series matches %s; logmetrics db ls lists them", printable(pattern))
		}
		for _, m := range found {
			list = append(list, m.Path)
		}
	}
	if k.Istatd && len(list) > 1 {
		return nil, &usageError{fmt.Sprintf("--istatd prints one series, and %d match", len(list))}
	}
	return list, nil
}

func (k *dbDumpCmd) series(ctx context.Context, c *console, db *store.DB, name string, from, until int64, d *dump) error {
	info, _ := db.Series(name)
	tiers, now := info.Tiers, c.now().Unix()
	t, ok := chooseTier(tiers, int64(k.Step/time.Second), from, now)
	if !ok {
		return &usageError{fmt.Sprintf("--step=%s: %s has tiers %s", k.Step, printable(name), tiers)}
	}
	return eachPart(ctx, db, name, t, max(from, now-t.Keep), until, func(cols *store.Columns) error {
		for i, n := range cols.Count {
			if n > 0 {
				b := metric.Bucket{Count: n, Sum: cols.Sum[i], Min: cols.Min[i], Max: cols.Max[i], M2: cols.M2[i], Last: cols.Last[i]}
				d.row(name, cols.Start+int64(i)*cols.Step, b)
			}
		}
		return nil
	})
}

// chooseTier returns the tier of a step, or the finest that reaches back to from;
// when none does, or from is 0, the finest of all.
func chooseTier(tiers schema.Tiers, step, from, now int64) (schema.Tier, bool) {
	for _, t := range tiers {
		if step == t.Step || step == 0 && from > 0 && from >= now-t.Keep {
			return t, true
		}
	}
	if step == 0 && from > 0 {
		return tiers[len(tiers)-1], true
	}
	return tiers[0], step == 0
}

// dump writes rows. Its errors stay in the Writer until Flush.
type dump struct {
	*bufio.Writer
	istatd bool
	line   []byte
}

func (d *dump) header() {
	if d.istatd {
		d.WriteString("DATE,SUM,SUMSQ,MIN,MAX,COUNT,AVG,SDEV\n")
		return
	}
	d.WriteString("name,time,count,sum,min,max,avg,stddev,last\n")
}

func (d *dump) row(name string, unix int64, b metric.Bucket) {
	l := d.line[:0]
	number := func(v float64) { l = strconv.AppendFloat(append(l, ','), v, 'g', -1, 64) }
	if d.istatd {
		l = time.Unix(unix, 0).UTC().AppendFormat(append(l, '"'), "2006-01-02T15:04:05Z\"")
		number(b.Sum)
		number(b.M2 + b.Sum*b.Mean())
		number(b.Min)
		number(b.Max)
		l = strconv.AppendUint(append(l, ','), b.Count, 10)
		number(b.Mean())
		number(deviation(b))
	} else {
		l = appendField(l, name)
		l = strconv.AppendInt(append(l, ','), unix, 10)
		l = strconv.AppendUint(append(l, ','), b.Count, 10)
		for _, v := range [...]float64{b.Sum, b.Min, b.Max, b.Mean(), deviation(b), b.Last} {
			number(v)
		}
	}
	d.line = append(l, '\n')
	d.Write(d.line)
}

// deviation is the standard deviation of a sample, as istatd's: 0 of one value.
func deviation(b metric.Bucket) float64 {
	if b.Count < 2 {
		return 0
	}
	return math.Sqrt(b.M2 / float64(b.Count-1))
}

// appendField appends a name as a field of CSV.
func appendField(l []byte, name string) []byte {
	if !strings.ContainsAny(name, `",`) {
		return append(l, name...)
	}
	l = append(l, '"')
	l = append(l, strings.ReplaceAll(name, `"`, `""`)...)
	return append(l, '"')
}

// parseWhen reads a time, in Unix seconds; "" is 0.
func parseWhen(flag, text string, now time.Time) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 {
		return n, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t.Unix(), nil
		}
	}
	ago, err := parseAgo(strings.TrimPrefix(text, "-"))
	if err != nil || ago < 0 {
		return 0, &usageError{fmt.Sprintf("%s=%s is no time such as 2026-11-21, 2026-11-21T03:10:00Z, 1795230600, 36h or 7d", flag, printable(text))}
	}
	return now.Add(-ago).Unix(), nil
}

func parseAgo(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}
