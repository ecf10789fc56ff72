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
		of := a.Of
		if a.full != nil {
			of = a.full
		}
		c.FullRows(columns, longest, func(i int, row []float64) {
			out[i] = Null()
			if Xff(len(row), len(list), xff) {
				out[i] = of(row)
			}
		})
		return out
	}
	blocks := (longest + blockRows - 1) / blockRows
	c.Split(blocks, longest*len(list), func(block, end int) {
		n := make([]int32, min(blockRows, longest))
		for ; block < end; block++ {
			from := block * blockRows
			total := out[from:min(from+blockRows, longest)]
			a.block(columns, from, total, n[:len(total)])
			for i := range total {
				if n[i] == 0 || float64(n[i])/float64(len(list)) < xff {
					total[i] = Null()
				}
			}
		}
	})
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
	out, row := c.Make(longest), make([]float64, len(columns))
	for i := range out {
		for j, col := range columns {
			row[j] = Null()
			if i < len(col) {
				row[j] = col[i]
			}
		}
		out[i] = fn(row)
		c.Alive()
	}
	return out
}

// turnedRows is how many rows are put together at a time: columns are read in cache lines.
const turnedRows = 32

// FullRows calls fn with each row of columns, the longest of which is so long, without its nulls. It may do so on several
// cores; fn may change the row's order, and must not keep it.
func (c *Call) FullRows(columns [][]float64, longest int, fn func(i int, row []float64)) {
	k := len(columns)
	c.Split((longest+turnedRows-1)/turnedRows, longest*k, func(block, end int) {
		rows, n := make([]float64, turnedRows*k), make([]int, turnedRows)
		for ; block < end; block++ {
			from := block * turnedRows
			clear(n)
			for _, col := range columns {
				if from >= len(col) {
					continue
				}
				for i, v := range col[from:min(from+turnedRows, len(col))] {
					if v == v {
						rows[i*k+n[i]] = v
						n[i]++
					}
				}
			}
			for i := range min(turnedRows, longest-from) {
				fn(from+i, rows[i*k:i*k+n[i]])
			}
			c.Alive()
		}
	})
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
