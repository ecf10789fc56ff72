package serve

import "github.com/logmetrics/logmetrics/internal/telemetry"

// storeFigures are the store's own, as it is now.
func (s *Server) storeFigures() []telemetry.Figure {
	st := s.db.Stats()
	gauge := func(name string, v int64) telemetry.Figure { return telemetry.Figure{Name: name, Value: float64(v)} }
	counter := func(name string, v int64) telemetry.Figure {
		return telemetry.Figure{Name: name, Value: float64(v), Counter: true}
	}
	return []telemetry.Figure{
		gauge("series", int64(st.Series)), gauge("identities", int64(st.Identities)), gauge("pendingBytes", int64(st.Pending)),
		gauge("keptBytes", int64(st.Kept)),
		gauge("closedBytes", int64(st.Closed)), gauge("waitingChanges", int64(st.Waiting)), gauge("diskBytes", st.DiskBytes),
		counter("frames", st.Frames), counter("frameBytes", st.FrameBytes), counter("records", st.Records),
		counter("seals", st.Seals), counter("sealErrors", st.SealErrors), counter("folds", st.Folds), counter("expiredPartitions", st.Expired),
		counter("lateSamples", st.Late), counter("refusedFlushes", st.Refused), counter("damagedBlocks", st.Damaged),
		counter("unnamedSamples", st.Unnamed),
	}
}
