package metric

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
