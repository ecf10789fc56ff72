package ingest

// maxName is how long a name may be with its tags.
const maxName = 4 << 10
