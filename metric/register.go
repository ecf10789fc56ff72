package metric

type series struct {
	key      string // kind, name, tags: what Merge goes by
	name     string
	tags     Tags
	kind     Kind
	form     Form
	unit     string
	unitSeq  uint64 // 1 + the block in which unit was set; 0: it was not
	declared bool   // by Series or Derive: flushed in order, also when idle
	hidden   bool
	derive   func(View) (float64, bool)
	absent   Form // with sendZero: the form of the 0 sent when derive has no value
	sendZero bool
}

// Series declares a series. It is sent in the order of declaration, and as 0
// when nothing was recorded. Declaring it again returns the same ID.
// It panics when name is not valid: declared names are the program's own.
func (r *Recorder) Series(name string, k Kind, f Form) ID {
	if !ValidName(name) {
		panic("BUG: invalid series name " + name)
	}
	id := r.intern(name, nil, k, f)
	r.series[id].declared = true
	return id
}

// Unit sets the text of the unit that outputs may carry for id. The one that
// was set in the earliest block stands, whichever worker read it. It panics
// when text has control characters.
func (r *Recorder) Unit(id ID, text string) {
	if !validUnit(text) {
		panic("BUG: invalid unit " + text)
	}
	if s := &r.series[id]; s.unitSeq == 0 || s.unitSeq > r.seq {
		s.unit, s.unitSeq = text, r.seq+1
	}
}

// Hide keeps id out of what is flushed: it is there for derived values.
func (r *Recorder) Hide(id ID) { r.series[id].hidden = true }

// Derive declares a gauge computed from the merged interval, once, at flush.
// fn returns ok false when there is no value; then nothing is sent.
func (r *Recorder) Derive(name string, f Form, fn func(View) (value float64, ok bool)) ID {
	if !ValidName(name) {
		panic("BUG: invalid series name " + name)
	}
	r.series = append(r.series, series{name: name, kind: Gauge, form: f, declared: true, derive: fn})
	return ID(len(r.series) - 1)
}

// ZeroAs makes a derived series without a value be sent as 0 in form f, as
// Logster does.
func (r *Recorder) ZeroAs(id ID, f Form) {
	r.series[id].sendZero, r.series[id].absent = true, f
}

// Finish sets what becomes of each sample at flush: fn calls emit for each
// sample to send in its place. It is for parsers in Logster's clothes, whose
// names from the log turn into other names and rates. It is called in the
// order of sending, for all samples but the derived ones.
func (r *Recorder) Finish(fn func(s Sample, seconds float64, emit func(Sample))) { r.finish = fn }

// SeriesBytes returns the series with the given name from the log, making it
// if need be. The name is made valid as AppendName does. Beyond MaxSeries
// names all new ones share the series "overflow" of their kind, and are
// counted in Dropped. name may be changed after the call.
func (r *Recorder) SeriesBytes(name []byte, k Kind) ID {
	r.key = append(append(r.key[:0], byte(k)), name...)
	if id, ok := r.names[string(r.key)]; ok {
		return id
	}
	r.key = AppendName(append(r.key[:0], byte(k)), name)
	if id, ok := r.names[string(r.key)]; ok {
		return id
	}
	if !r.has(r.key) && !r.admit() {
		r.key = append(append(r.key[:0], byte(k)), Overflow...)
		if id, ok := r.names[string(r.key)]; ok {
			return id
		}
	}
	key := string(r.key)
	id := r.intern(key[1:], nil, k, Shortest)
	r.names[key] = id
	return id
}

// has reports whether there is a series with that key: then it is free.
func (r *Recorder) has(key []byte) bool {
	_, ok := r.byKey[string(key)]
	return ok
}

// admit takes one more series from the log, or counts that it does not.
func (r *Recorder) admit() bool {
	if r.fromLog >= r.opt.MaxSeries {
		r.droppedSeries++
		return false
	}
	r.fromLog++
	return true
}

// intern returns the series with that name, tags and kind, making it if need be.
func (r *Recorder) intern(name string, tags Tags, k Kind, f Form) ID {
	key := seriesKey(name, tags, k)
	if id, ok := r.byKey[key]; ok {
		return id
	}
	id := ID(len(r.series))
	r.series = append(r.series, series{key: key, name: name, tags: tags, kind: k, form: f})
	r.byKey[key] = id
	return id
}

func seriesKey(name string, tags Tags, k Kind) string {
	b := append([]byte{byte(k)}, name...)
	for _, t := range tags {
		b = append(append(append(append(b, 0), t.Key...), '='), t.Value...)
	}
	return string(b)
}

// Declared returns the series that were declared and are not hidden, without
// values, in the order of sending: what a parser sends whatever the log holds,
// and what it derives when there is something to derive it from.
func (r *Recorder) Declared() []Sample {
	var list []Sample
	for i := range r.series {
		if s := &r.series[i]; s.declared && !s.hidden {
			list = append(list, Sample{Name: s.name, Kind: s.kind, Form: s.form, Unit: s.unit})
		}
	}
	return list
}
