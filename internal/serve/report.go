package serve

import (
	"errors"
	"time"

	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// Report tells how the server is.
func (s *Server) Report() telemetry.Report {
	stages := s.stages()
	if s.ending.Load() {
		stages[0].Why = "the server comes to its end"
	}
	return telemetry.Report{Stages: stages, Reload: s.reload.Load()}
}

// Reload reads the files of tokens, rules and the certificate again. One with a
// mistake leaves in force what it said before; the log says what is wrong.
func (s *Server) Reload() {
	var errs []error
	errs = append(errs, s.tokens.Reload())
	if s.certificate != nil {
		errs = append(errs, s.certificate.reload())
	}
	schemas, err := schema.Load(s.opt.Schemas, s.opt.Aggregation)
	if err == nil {
		err = s.db.Reload(schemas)
	}
	err = errors.Join(append(errs, err)...)
	now := *s.reload.Load()
	if now.OK = err == nil; now.OK {
		now.At = time.Now()
		s.log.Info("the files of tokens, rules and certificates are taken")
	} else {
		s.log.Error("a file is not taken: what it said before stays in force", "err", err)
	}
	s.reload.Store(&now)
}
