package query

import (
	"math"
	"slices"
)

// sampleFrom is the length from which on Nth looks at a sample first; with less it saves nothing.
const sampleFrom = 2000

// maxRounds bounds what values in a malicious order cost: some 30 rounds are usual for a million.
const maxRounds = 100

// Nth returns the value that would be at place k if values were in rising order; those under it are before it then,
// those over it behind. It is Floyd and Rivest's selection (CACM 18(3), 1975, algorithm 489): a pivot that a sample
// shows to be near place k leaves little of either side, and branches that go one way mostly.
func Nth(values []float64, k int) float64 {
	from, to := 0, len(values)-1
	for rounds := 0; from < to; rounds++ {
		if rounds == maxRounds {
			slices.Sort(values[from : to+1])
			return values[k]
		}
		if to-from > sampleFrom {
			sampled(values, from, to, k)
		}
		i, j := partition(values, from, to, values[k])
		switch {
		case k <= j:
			to = j
		case k >= i:
			from = i
		default:
			return values[k]
		}
	}
	return values[k]
}

// sampled puts at place k what is at the place that belongs to it in a sample around k.
func sampled(values []float64, from, to, k int) {
	n, i := float64(to-from+1), float64(k-from+1)
	z := math.Log(n)
	size := 0.5 * math.Exp(2*z/3)
	spread := 0.5 * math.Sqrt(z*size*(n-size)/n)
	if i < n/2 {
		spread = -spread
	}
	low := max(from, int(float64(k)-i*size/n+spread))
	high := min(to, int(float64(k)+(n-i)*size/n+spread))
	if low <= k && k <= high {
		Nth(values[low:high+1], k-low)
	}
}

// partition puts what is under pivot before place i, what is over it behind place j, of from..to.
func partition(values []float64, from, to int, pivot float64) (i, j int) {
	i, j = from, to
	for i <= j {
		for values[i] < pivot {
			i++
		}
		for values[j] > pivot {
			j--
		}
		if i <= j {
			values[i], values[j] = values[j], values[i]
			i, j = i+1, j-1
		}
	}
	return i, j
}
