package wal

import (
	"fmt"
)

// run is one write and its fdatasync, for all that was appended before it.
type run struct {
	upto int64         // it makes durable all before this
	done chan struct{} // closed at its end
	err  error         // valid when done
}

// Sync makes durable what was appended before the call. Calls at the same time
// share the work. After an error nothing is lost: what is not durable stays in
// memory, and the next Sync writes it into a new file, for what a file holds
// after a failed fsync is anyone's guess.
func (l *Log) Sync() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for want := l.end; l.durable < want; {
		if l.closed {
			return ErrClosed
		}
		r := l.running
		if r == nil {
			return l.lead(false)
		}
		if l.wait(r); r.upto >= want {
			return r.err
		}
	}
	return nil
}

// Rotate is Sync, and begins a new file. The records before the mark it returns
// are durable and in files of lower numbers; those behind it were appended during
// the call or later.
func (l *Log) Rotate() (Mark, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle()
	if l.closed {
		return Mark{}, ErrClosed
	}
	if err := l.lead(true); err != nil {
		return Mark{}, err
	}
	return Mark{File: l.number, Offset: l.durable}, nil
}

// wait returns when r is done. It holds mu when it is called and when it returns.
func (l *Log) wait(r *run) {
	l.mu.Unlock()
	<-r.done
	l.mu.Lock()
}

// idle returns when nothing runs.
func (l *Log) idle() {
	for l.running != nil {
		l.wait(l.running)
	}
}

// lead makes all durable that was appended; nothing runs. It holds mu when it is
// called and when it returns, and not in between, so that others can append.
func (l *Log) lead(rotate bool) error {
	r := &run{upto: l.end, done: make(chan struct{})}
	l.running = r
	l.writing.take(&l.pending) // behind what failed runs left
	l.mu.Unlock()
	if err := l.write(); err != nil {
		r.err = fmt.Errorf("write log %q: %w", l.path(l.number), err)
	} else {
		l.setDurable(r.upto)
	}
	if r.err != nil || rotate {
		l.leave()
	}
	l.mu.Lock()
	l.running = nil
	close(r.done)
	return r.err
}

// setDurable says that what was written is durable, and has its memory used again.
func (l *Log) setDurable(upto int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.starts); upto > l.durable && (n == 0 || l.starts[n-1].number != l.number) {
		l.starts = append(l.starts, start{number: l.number, base: l.base})
	}
	l.durable = upto
	l.free.put(&l.writing)
}

// leave closes the file and counts on to the next. What Close says is of no
// use: the file is durable, or not believed.
func (l *Log) leave() {
	if l.file == nil {
		return
	}
	_ = l.file.Close()
	l.file = nil
	if l.base == l.durable {
		// Nothing in it is of use. When the disk is full, there would be one more
		// of these with each Sync, and each may hold what the next one needs.
		_ = l.fs.Remove(l.path(l.number))
	}
	l.mu.Lock()
	l.number++
	l.mu.Unlock()
}

// write makes writing durable. It does not hold mu.
func (l *Log) write() error {
	if l.writing.size == 0 {
		return nil
	}
	if l.file != nil && l.size >= l.max {
		l.leave()
	}
	made := l.file == nil
	if made {
		if err := l.create(); err != nil {
			return err
		}
	}
	markFirst(l.writing.pieces[0], l.salt, l.durable)
	if err := l.writeFrames(); err != nil {
		return err
	}
	if err := l.file.SyncData(); err != nil || !made {
		return err
	}
	return syncDir(l.fs, l.dir)
}

// writeFrames writes writing by way of a copy, for Write may change what it is
// given, and after an error writing is needed again.
func (l *Log) writeFrames() error {
	for _, piece := range l.writing.pieces {
		l.scratch = append(l.scratch[:0], piece...)
		n, err := l.file.Write(l.scratch)
		l.size += int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}

// create makes the file of l.number. Its name is durable with the first write.
// To allocate all of it beforehand made Sync no faster.
func (l *Log) create() error {
	f, err := l.fs.Create(l.path(l.number), category)
	if err != nil {
		return err
	}
	l.file, l.size, l.base = f, headersLen, l.durable
	_, err = f.Write(appendHeader(nil, header{number: l.number, base: l.base, salt: l.salt}))
	return err
}

func (l *Log) path(number uint64) string { return l.fs.PathJoin(l.dir, fileName(number)) }
