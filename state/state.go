// Package state keeps what must survive between runs: the positions of a job's
// logs, its open intervals, and the queue of its batches with a cursor for
// each output.
//
// It promises that a position moves only in the write that makes its batch
// durable, that a batch leaves the queue only when each output took it (or the
// spool limit says so, counted), and that damage is noticed and said. It does
// not read logs and does not send. Start from [Open].
package state
