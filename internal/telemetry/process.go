package telemetry

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

// process adds what is told of every Go process, under the names that
// Prometheus' own library gives. What the system does not tell is left out.
func (e *exposition) process(began time.Time) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	e.gauge("go_goroutines", "Number of goroutines that currently exist.", float64(runtime.NumGoroutine()))
	e.gauge("go_memstats_heap_alloc_bytes", "Number of heap bytes allocated and currently in use.", float64(m.HeapAlloc))
	e.gauge("go_memstats_sys_bytes", "Number of bytes obtained from system.", float64(m.Sys))
	e.counter("go_memstats_alloc_bytes_total", "Total number of bytes allocated in heap until now, even if released already.", float64(m.TotalAlloc))
	e.counter("go_memstats_mallocs_total", "Total number of heap objects allocated, both live and gc-ed.", float64(m.Mallocs))
	e.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", float64(began.UnixMilli())/1e3)
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &used) == nil {
		cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
		e.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", cpu.Seconds())
	}
	if pages, err := statm(); err == nil {
		e.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", pages[0]*float64(os.Getpagesize()))
		e.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", pages[1]*float64(os.Getpagesize()))
	}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		e.gauge("process_open_fds", "Number of open file descriptors.", float64(len(fds)))
	}
	var most syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &most) == nil {
		e.gauge("process_max_fds", "Maximum number of open file descriptors.", float64(most.Cur))
	}
}

func (e *exposition) counter(name, help string, value float64) {
	e.family(name, "counter", help)
	e.sample(value)
}

// statm returns the first two numbers of Linux' /proc/self/statm: all memory,
// and what is resident, in pages.
func statm() (pages [2]float64, err error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return pages, err
	}
	_, err = fmt.Fscan(bytes.NewReader(text), &pages[0], &pages[1])
	return pages, err
}
