package serve

import (
	"errors"
	"fmt"

	"github.com/logmetrics/logmetrics/internal/serve/store/schema"
	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// What a store can do beside taking and showing samples.
type (
	telling  interface{ Figures() []telemetry.Figure }
	ruled    interface{ Reload(s schema.Schemas) error }
	copyable interface{ Backup(dir string) error }
)

func (s *Server) storeFigures() []telemetry.Figure {
	if db, ok := any(s.db).(telling); ok {
		return db.Figures()
	}
	return nil
}

// setSchemas has new rules apply from now on.
func (s *Server) setSchemas(rules schema.Schemas) error {
	if db, ok := any(s.db).(ruled); ok {
		return db.Reload(rules)
	}
	return nil
}

// copyStore copies the store into dir, which it makes, while samples are taken.
func (s *Server) copyStore(dir string) error {
	db, ok := any(s.db).(copyable)
	if !ok {
		return errors.New("make backup: the store cannot be copied while it is open")
	}
	if err := db.Backup(dir); err != nil {
		return fmt.Errorf("make backup: %w", err)
	}
	return nil
}
