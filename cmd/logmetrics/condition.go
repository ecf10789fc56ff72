package main

import (
	"fmt"
	"strings"

	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// allBegan reports whether each job is ready or has failed: one that is broken
// must not keep the others from being a service.
func allBegan(r telemetry.Report) bool {
	for _, j := range r.Jobs {
		if !j.Began {
			return false
		}
	}
	return true
}

func anyHung(r telemetry.Report) bool {
	for _, j := range r.Jobs {
		if j.Hung {
			return true
		}
	}
	return false
}

// maxStatus bounds the text that systemctl status shows, in bytes.
const maxStatus = 300

// conditionOf sums up a report for systemd.
func conditionOf(r telemetry.Report) condition {
	if r.Stages != nil {
		return ofStages(r.Stages)
	}
	return condition{status: statusLine(r), began: allBegan(r), hung: anyHung(r)}
}

// ofStages sums up how a server is, which has begun as soon as it can be asked.
func ofStages(stages []telemetry.Stage) condition {
	c := condition{began: true}
	var troubles []string
	for _, s := range stages {
		c.hung = c.hung || s.Hung
		if s.Why != "" {
			troubles = append(troubles, s.Name+": "+s.Why)
		}
	}
	if troubles == nil {
		troubles = []string{"ready"}
	}
	c.status = shortened(strings.Join(troubles, "; "))
	return c
}

// statusLine sums up how the jobs are, with the first that is not well.
func statusLine(r telemetry.Report) string {
	ready, trouble := 0, ""
	for _, j := range r.Jobs {
		switch {
		case j.Ready && !j.Hung:
			ready++
		case trouble == "":
			trouble = fmt.Sprintf("; %s: %s", j.Name, j.Why)
		}
	}
	return shortened(fmt.Sprintf("%d of %d jobs ready%s", ready, len(r.Jobs), trouble))
}

func shortened(text string) string {
	text = printable(text)
	return strings.ToValidUTF8(text[:min(len(text), maxStatus)], "")
}
