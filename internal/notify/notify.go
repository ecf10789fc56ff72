// Package notify tells that a log may have changed as soon as the kernel does,
// so that a reader need not wait for its next look. Start from [Files].
//
// It promises no more than a hint: a wake may come for nothing, and events are
// lost when the kernel's queue overflows, on network file systems, in
// directories that are mounted twice, and where a link that stands for a directory
// is switched. Who uses it looks again by itself, too. It opens no log and reads none.
//
// # How
//
// The directory of a log is watched, not the log: one watch serves all logs in
// it, and a log that is rotated, removed or made stays watched. Where the path is a
// symbolic link, the directory that it leads to is watched as well, link by link;
// where they lead is found out again whenever one of them is made anew, renamed or
// removed. A directory that is removed or renamed is watched again within a
// second after it is back.
//
// Events come through package watch of nxadm/tail. It counts its users by path,
// for the whole process, in a way that makes a path deaf when it is asked for twice
// or given up once too often; so the process has one register of paths here, and
// nothing else in it may use that package. Its two goroutines, which take the
// events, stay for the process's life once the first path was watched; its
// messages, on overflow alone, go to stderr.
//
// Every event of a watched directory wakes this process for a microsecond or
// two, also those of files that nobody asked for; see BenchmarkBusyDirectory.
package notify

// Files is the notifier of files in the operating system's file system. All
// values are the same, and may be used concurrently.
type Files struct{}
