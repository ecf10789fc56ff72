package names

import "context"

// Serials tells the numbers of tags and their values: those that rows of
// graphite-web's database get when the series come in the order of theirs. Each tag
// of each series counts one, the one called name last; what is asked for has the
// number of where it is first. Both maps are filled in for the keys they have; what
// no series has stays 0. Numbers are those of what is there: they change when series
// before are removed. It takes time linear in the number of series.
func (x *Index) Serials(ctx context.Context, keys, values map[string]int) error {
	epoch := x.grace.enter()
	defer x.grace.leave(epoch)
	missing, serial := len(keys)+len(values), 0
	first := func(asked map[string]int, text []byte) {
		if n, ok := asked[string(text)]; ok && n == 0 {
			asked[string(text)] = serial
			missing--
		}
	}
	var name []byte
	for id := range x.byID.end() {
		if missing == 0 {
			return nil
		}
		if id%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if x.isGone(id) {
			continue
		}
		name = x.AppendName(name[:0], id)
		if len(name) == 0 {
			continue // gone a moment ago
		}
		for key, value := range Tags(name) {
			serial++
			first(keys, key)
			first(values, value)
		}
		serial++
		first(keys, nameKey)
		first(values, Path(name))
	}
	return nil
}
