package metric

// pageCells is how many cells are made at once. Few, because an interval of
// last year's log may have a handful of thousands of series; not one, because
// neighbours are declared together and recorded together.
const pageCells = 16

type page [pageCells]cell

// table holds the cells of one interval, in pages that are made when one of
// their series is first recorded.
type table struct {
	pages []*page // by ID / pageCells
	used  int     // pages that are there
}

// cell is one series in one interval.
type cell struct {
	Bucket
	seq     uint64 // block of Last, as Recorder.seq
	form    Form   // of Last, when hasForm
	hasForm bool
	pending []float64 // timers: observed, not yet in Bucket and dist
	dist    *Dist
	members *Members
}

// idle reports whether nothing was recorded.
func (c *cell) idle() bool { return c.Count == 0 && len(c.pending) == 0 }

// at returns the cell of id, making it if need be.
func (t *table) at(id ID) *cell {
	i := int(id / pageCells)
	if short := i + 1 - len(t.pages); short > 0 {
		t.pages = append(t.pages, make([]*page, short)...)
	}
	if t.pages[i] == nil {
		t.pages[i] = new(page)
		t.used++
	}
	return &t.pages[i][id%pageCells]
}

// find returns the cell of id, nil when it was not made.
func (t *table) find(id ID) *cell {
	if i := int(id / pageCells); i < len(t.pages) && t.pages[i] != nil {
		return &t.pages[i][id%pageCells]
	}
	return nil
}

// idle reports whether nothing was recorded for id.
func (t *table) idle(id ID) bool {
	c := t.find(id)
	return c == nil || c.idle()
}

// each yields the cells that hold something, in the order of their IDs.
func (t *table) each(yield func(ID, *cell) bool) {
	for i, p := range t.pages {
		if p == nil {
			continue
		}
		for k := range p {
			if c := &p[k]; !c.idle() && !yield(ID(i*pageCells+k), c) {
				return
			}
		}
	}
}

func (t *table) empty() bool {
	for range t.each {
		return false
	}
	return true
}

// take adds what stands before all that t has of the same block.
func (t *table) take(carry *table) {
	for id, c := range carry.each {
		t.at(id).merge(c, true)
	}
}

// merge adds another recorder's table, in which ids[i] is called i.
func (t *table) merge(from *table, ids []ID) {
	for id, c := range from.each {
		t.at(ids[id]).merge(c, false)
	}
}

// merge adds o and takes over what o points to. Of the same block, o counts as
// the later one, unless earlier is set.
func (c *cell) merge(o *cell, earlier bool) {
	o.settle()
	if o.Count == 0 {
		return
	}
	c.settle()
	last, seq, form, hasForm := o.Last, o.seq, o.form, o.hasForm
	if c.Count > 0 && (c.seq > o.seq || earlier && c.seq == o.seq) {
		last, seq, form, hasForm = c.Last, c.seq, c.form, c.hasForm
	}
	c.Bucket.Merge(o.Bucket)
	c.Last, c.seq, c.form, c.hasForm = last, seq, form, hasForm
	switch {
	case c.dist == nil:
		c.dist = o.dist
	default:
		c.dist.Merge(o.dist)
	}
	switch {
	case c.members == nil:
		c.members = o.members
	default:
		c.members.Merge(o.members)
	}
}

// settle adds the pending observations.
func (c *cell) settle() {
	if len(c.pending) == 0 {
		return
	}
	if c.dist == nil {
		c.dist = new(Dist)
	}
	c.dist.AddAll(c.pending)
	c.Bucket.Merge(summarize(c.pending))
	c.pending = c.pending[:0]
}

// summarize keeps its sums in variables of their own: a Bucket's fields would
// go through memory for each value.
func summarize(values []float64) Bucket {
	sum, low, high := 0.0, values[0], values[0]
	for _, v := range values {
		sum += v
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	mean, m2 := sum/float64(len(values)), 0.0
	for _, v := range values {
		m2 += (v - mean) * (v - mean)
	}
	return Bucket{Count: uint64(len(values)), Sum: sum, Min: low, Max: high, M2: m2, Last: values[len(values)-1]}
}
