package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/logmetrics/logmetrics/internal/telemetry"
)

// systemd tells the service manager how the process is, when that asked to be
// told: sd_notify(3).
type systemd struct {
	log      *slog.Logger
	watchdog time.Duration // within which it wants to be told again; 0: it does not
	ready    atomic.Bool   // it was told so

	status string // as told last; owned by run, as is the next
	beaten time.Time
}

func newSystemd(log *slog.Logger) *systemd {
	d := &systemd{log: log}
	var err error
	if d.watchdog, err = daemon.SdWatchdogEnabled(false); err != nil {
		log.Warn("systemd's watchdog is not understood, and not served", "err", err)
	}
	return d
}

// How often is looked at the jobs: until all have begun, and then.
const (
	lookAtStart = 100 * time.Millisecond
	lookLater   = time.Second
)

// run tells of the jobs until ctx is done.
func (d *systemd) run(ctx context.Context, report func() telemetry.Report) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return
	}
	later := lookLater
	if d.watchdog > 0 {
		later = min(later, d.watchdog/8)
	}
	tick := time.NewTicker(min(later, lookAtStart))
	defer tick.Stop()
	for {
		if d.tell(report()) {
			tick.Reset(later)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// tell tells what has changed, and reports whether the process became ready.
func (d *systemd) tell(r telemetry.Report) (began bool) {
	if text := statusLine(r); text != d.status {
		d.status = text
		d.notify("STATUS=" + text)
	}
	if began = !d.ready.Load() && allBegan(r); began {
		d.notify(daemon.SdNotifyReady)
		d.ready.Store(true)
	}
	if d.watchdog > 0 && !anyHung(r) && time.Since(d.beaten) >= d.watchdog*3/8 {
		d.beaten = time.Now()
		d.notify(daemon.SdNotifyWatchdog)
	}
	return began
}

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
	text := printable(fmt.Sprintf("%d of %d jobs ready%s", ready, len(r.Jobs), trouble))
	return strings.ToValidUTF8(text[:min(len(text), maxStatus)], "")
}

// reloading tells that the configuration is read again; ready is to follow.
func (d *systemd) reloading() {
	if d.ready.Load() {
		d.notify(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	}
}

// reloaded tells that it was.
func (d *systemd) reloaded() {
	if d.ready.Load() {
		d.notify(daemon.SdNotifyReady)
	}
}

// stopping tells that the process comes to its end.
func (d *systemd) stopping() { d.notify(daemon.SdNotifyStopping) }

// notify sends nothing when nobody asked.
func (d *systemd) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		d.log.Debug("systemd was not told", "state", state, "err", err)
	}
}
