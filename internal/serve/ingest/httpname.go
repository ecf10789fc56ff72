package ingest

// maxName is how long a name may be with its tags.
const maxName = 4 << 10

// appendTag appends a tag to the name of a series, as [SeriesName] does.
func appendTag(dst, key, value []byte) []byte {
	dst = appendTagText(append(dst, ';'), key, ";!^=")
	return appendTagText(append(dst, '='), value, ";")
}
