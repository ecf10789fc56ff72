package query

// blockRows is how many rows are worked on at a time: totals, counts and one series' part of them stay in the
// first cache (see BenchmarkAggregate).
const blockRows = 1024

// Aggregate makes one value of each row: of the i-th points of all series of a list, which must have been normalized. A row with
// less than xff of its values, or none, is null. Series that are shorter have nulls behind their end.
func (c *Call) Aggregate(list []*Series, a *Agg, xff float64) []float64 {
	columns, longest := Columns(list)
	out := c.Make(longest)
	if a.add == nil {
		c.rows(columns, out, func(row []float64) float64 {
			if !enough(row, xff) {
				return Null()
			}
			return a.Of(row)
		})
		return out
	}
	n := make([]int32, min(blockRows, longest))
	for from := 0; from < longest; from += blockRows {
		total := out[from:min(from+blockRows, longest)]
		a.block(columns, from, total, n[:len(total)])
		for i := range total {
			if n[i] == 0 || float64(n[i])/float64(len(list)) < xff {
				total[i] = Null()
			}
		}
	}
	return out
}

// block works on the rows from a place on, series by series.
func (a *Agg) block(columns [][]float64, from int, total []float64, n []int32) {
	clear(n)
	for _, col := range columns {
		if from < len(col) {
			part := col[from:min(from+len(total), len(col))]
			a.add(total, part, n)
		}
	}
	if a.done != nil {
		a.done(total, n, len(columns))
	}
}

// Rows returns fn of each row, as Aggregate does, but fn sees the nulls; row is valid until it returns.
func (c *Call) Rows(list []*Series, fn func(row []float64) float64) []float64 {
	columns, longest := Columns(list)
	out := c.Make(longest)
	c.rows(columns, out, fn)
	return out
}

// turnRows is how many rows are put together at a time: columns are read in cache lines.
const turnRows = 64

func (c *Call) rows(columns [][]float64, out []float64, fn func(row []float64) float64) {
	k := len(columns)
	turned := make([]float64, turnRows*k)
	for from := 0; from < len(out); from += turnRows {
		n := min(turnRows, len(out)-from)
		for j, col := range columns {
			for i := range n {
				v := Null()
				if from+i < len(col) {
					v = col[from+i]
				}
				turned[i*k+j] = v
			}
		}
		for i := range n {
			out[from+i] = fn(turned[i*k : i*k+k : i*k+k])
		}
		c.ev.budget.take(0)
	}
}

// enough reports whether there are some values, and at least xff of all of them.
func enough(row []float64, xff float64) bool {
	n := Count(row)
	return n > 0 && n/float64(len(row)) >= xff
}

// Xff reports whether full of total values are enough for xff.
func Xff(full, total int, xff float64) bool {
	return full > 0 && total > 0 && float64(full)/float64(total) >= xff
}

func addSum(total, values []float64, n []int32) {
	total, n = total[:len(values)], n[:len(values)]
	for i, v := range values {
		if v == v {
			total[i] += v
			n[i]++
		}
	}
}

func addMin(total, values []float64, n []int32) {
	total, n = total[:len(values)], n[:len(values)]
	for i, v := range values {
		if v == v {
			if n[i] == 0 || v < total[i] {
				total[i] = v
			}
			n[i]++
		}
	}
}

func addMax(total, values []float64, n []int32) {
	total, n = total[:len(values)], n[:len(values)]
	for i, v := range values {
		if v == v {
			if n[i] == 0 || v > total[i] {
				total[i] = v
			}
			n[i]++
		}
	}
}

func addDiff(total, values []float64, n []int32) {
	for i, v := range values {
		if v == v {
			if n[i] == 0 {
				total[i] = v
			} else {
				total[i] -= v
			}
			n[i]++
		}
	}
}

func addProduct(total, values []float64, n []int32) {
	for i, v := range values {
		if v == v {
			if n[i] == 0 {
				total[i] = v
			} else {
				total[i] *= v
			}
			n[i]++
		}
	}
}

func addLast(total, values []float64, n []int32) {
	for i, v := range values {
		if v == v {
			total[i] = v
			n[i]++
		}
	}
}

func addNothing(_, values []float64, n []int32) {
	for i, v := range values {
		if v == v {
			n[i]++
		}
	}
}

func divide(total []float64, n []int32, _ int) {
	for i := range total {
		total[i] /= float64(n[i])
	}
}

func divideByAll(total []float64, _ []int32, series int) {
	for i := range total {
		total[i] /= float64(series)
	}
}

func counts(total []float64, n []int32, _ int) {
	for i := range total {
		total[i] = float64(n[i])
	}
}

func nullIfMissing(total []float64, n []int32, series int) {
	for i := range total {
		if int(n[i]) < series {
			total[i] = Null()
		}
	}
}
