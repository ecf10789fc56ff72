package telemetry

import "fmt"

// Stage is how one part of a server is, where data goes through several.
type Stage struct {
	Name    string // unique; letters alone, as in "store"
	Why     string // it is not ready; "" when it is
	Hung    bool   // it should have gone round, and has not; Why says more
	Figures []Figure
}

func (s *Stage) line() string { return fmt.Sprintf("%s: %q", s.Name, s.Why) }

// stages adds which stages are ready, and the figures of each, as families of
// its own: "logmetrics_store_series".
func (e *exposition) stages(stages []Stage) {
	e.family("logmetrics_stage_ready", "gauge", "Whether this part of the server does what it is for.")
	for _, s := range stages {
		e.sample(yes(s.Why == ""), "stage", s.Name)
	}
	for _, s := range stages {
		seen := make(map[string]bool)
		for i, f := range s.Figures {
			if !seen[f.Name] {
				seen[f.Name] = true
				e.ofStage(s.Name, s.Figures[i:])
			}
		}
	}
}

// ofStage adds the family of the first figure, with all that are of its name.
func (e *exposition) ofStage(stage string, figures []Figure) {
	first := figures[0]
	name, kind := "logmetrics_"+snake(stage)+"_"+snake(first.Name), "gauge"
	if first.Counter {
		name, kind = name+"_total", "counter"
	}
	e.family(name, kind, first.Name+" of "+stage+"; docs/operating.md says what it is.")
	for _, f := range figures {
		if f.Name == first.Name {
			e.sample(f.Value, f.labels()...)
		}
	}
}
