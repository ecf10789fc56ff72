package main

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
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

// How often is looked at the process: until it has begun, and then.
const (
	lookAtStart = 100 * time.Millisecond
	lookLater   = time.Second
)

// condition is what systemd wants to know of the process.
type condition struct {
	status string // what systemctl status shows
	began  bool   // all is ready, or has failed once: others need not wait for it any more
	hung   bool
}

// run tells how the process is until ctx is done.
func (d *systemd) run(ctx context.Context, now func() condition) {
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
		if d.tell(now()) {
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
func (d *systemd) tell(now condition) (began bool) {
	if now.status != d.status {
		d.status = now.status
		d.notify("STATUS=" + now.status)
	}
	if began = !d.ready.Load() && now.began; began {
		d.notify(daemon.SdNotifyReady)
		d.ready.Store(true)
	}
	if d.watchdog > 0 && !now.hung && time.Since(d.beaten) >= d.watchdog*3/8 {
		d.beaten = time.Now()
		d.notify(daemon.SdNotifyWatchdog)
	}
	return began
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
