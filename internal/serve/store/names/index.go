// Package names knows the series of a store by name, by number, by glob and by
// tag.
//
// It promises that readers (Get, Find, Tagged, ...) take no lock: a search
// through a million names and the taking of new ones do not wait for each
// other. A name costs 40 to 100 bytes (see BenchmarkMemory). Searches end with
// their context, and have limits. It keeps nothing on disk, and does not limit
// how many names there are: that is the store's. Start from [AppendCanonical]
// and [Index].
//
// Names are kept in a tree, one node a part of the path, each distinct text
// once. Nodes hold numbers and no pointers, so that the garbage collector does
// not look at them:
//
//	root 1: plain names         root 2: names with tags         root 3: tags
//	servers                     disk.used                       host
//	  web1                        host=web1                       web1: series 7, 9
//	    cpu: series 3               mount=/: series 7           mount ...
//
// What readers need to be safe beside the writer is in grace.go.
package names

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"
)

// MaxID bounds the numbers of series.
const MaxID = 1<<27 - 1

// ErrExists means that the new name is that of another series.
var ErrExists = errors.New("the name is taken")

// ErrFull means that there is no room for another name: [MaxID] numbers are
// taken, or 4 GiB of distinct texts.
var ErrFull = errors.New("no room for another name")

// node is one part of a name. parent and label do not change while readers can
// reach it.
type node struct {
	parent uint32
	label  uint32
	series atomic.Uint32 // the series that ends here, plus 1; 0: none
	kids   atomic.Uint32 // see list
}

const (
	plainRoot = 1 + iota
	taggedRoot
	keysRoot
	firstNode
)

// Index is a set of canonical names with their numbers. Its methods may be
// called concurrently.
type Index struct {
	mu    sync.Mutex // the writer's: protects all that readers do not use
	grace grace

	nodes  pages[node]
	lists  pages[atomic.Pointer[list]]
	byID   pages[atomic.Uint32] // the node of a series; 0: none
	labels labels
	edges  table // nodes, by parent and label
	count  atomic.Int64
	moves  atomic.Uint64 // goes up when a rename begins and when it ends

	nodeEnd   uint32 // the next node never used
	freeNodes []uint32
	listEnd   uint32 // the last list in use
	freeLists []uint32
	nextID    uint32
	holes     []span // numbers below nextID that no series has had since New
}

// span is [from,to).
type span struct{ from, to uint32 }

// New returns an index without names.
func New() *Index {
	x := &Index{nodeEnd: firstNode}
	x.labels.seed = maphash.MakeSeed()
	x.labels.free = map[int][]uint32{}
	x.nodes.grow(firstNode)
	return x
}

// Len returns how many names there are.
func (x *Index) Len() int { return int(x.count.Load()) }

// rootOf returns where the names of name's form start, and what separates parts.
func rootOf(name []byte) (root uint32, sep byte) {
	if bytes.IndexByte(name, ';') >= 0 {
		return taggedRoot, ';'
	}
	return plainRoot, '.'
}

// nextPart cuts name at the first sep.
func nextPart(name []byte, sep byte) (part, rest []byte) {
	if at := bytes.IndexByte(name, sep); at >= 0 {
		return name[:at], name[at+1:]
	}
	return name, nil
}

// edgeHash spreads the bits over the whole word: the table uses both ends.
func (x *Index) edgeHash(parent uint32, label uint64) uint64 {
	h := (label ^ uint64(parent)*0x9e3779b97f4a7c15) * 0xd6e8feb86659fd93
	return h ^ h>>32
}

// step returns the node with the label part below parent.
func (x *Index) step(parent uint32, part []byte) (uint32, bool) {
	return x.edges.find(x.edgeHash(parent, x.labels.hash(part)), func(n uint32) bool {
		nd := x.nodes.at(n)
		return nd.parent == parent && string(x.labels.text(nd.label)) == string(part)
	})
}

// walk returns the node of a canonical name.
func (x *Index) walk(name []byte) (n uint32, ok bool) {
	n, sep := rootOf(name)
	for len(name) > 0 {
		var part []byte
		part, name = nextPart(name, sep)
		if n, ok = x.step(n, part); !ok {
			return 0, false
		}
	}
	return n, ok
}

// Get returns the number of the series with a canonical name. It does not allocate.
func (x *Index) Get(name []byte) (id uint32, ok bool) {
	epoch := x.grace.enter()
	defer x.grace.leave(epoch)
	n, ok := x.walk(name)
	if !ok {
		return 0, false
	}
	series := x.nodes.at(n).series.Load()
	return series - 1, series != 0
}

// Name returns the canonical name of a series, "" when there is none.
func (x *Index) Name(id uint32) string { return string(x.AppendName(nil, id)) }

// AppendName appends what [Index.Name] returns.
func (x *Index) AppendName(dst []byte, id uint32) []byte {
	epoch := x.grace.enter()
	defer x.grace.leave(epoch)
	at := x.byID.find(id)
	if at == nil {
		return dst
	}
	n := at.Load()
	if n == 0 {
		return dst
	}
	return x.appendPath(dst, n)
}

// appendPath appends the name that ends at n, from the end to the start.
func (x *Index) appendPath(dst []byte, n uint32) []byte {
	size, root := -1, n
	for root >= firstNode {
		nd := x.nodes.at(root)
		size += len(x.labels.text(nd.label)) + 1
		root = nd.parent
	}
	sep := byte('.')
	if root == taggedRoot {
		sep = ';'
	}
	start := len(dst)
	dst = append(dst, make([]byte, size)...)
	for end := len(dst); ; end-- {
		nd := x.nodes.at(n)
		text := x.labels.text(nd.label)
		end -= len(text)
		copy(dst[end:], text)
		if end == start {
			return dst
		}
		dst[end-1] = sep
		n = nd.parent
	}
}

// Add returns the number of the series with a canonical name, which it makes
// when there is none. The error is [ErrFull].
func (x *Index) Add(name []byte) (id uint32, added bool, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	id = x.nextID
	if len(x.holes) > 0 {
		id = x.holes[0].from
	}
	has, err := x.put(id, name)
	if err != nil || has != id {
		return has, false, err
	}
	x.useID(id)
	return id, true, nil
}

// useID notes that id is no longer to be had.
func (x *Index) useID(id uint32) {
	if id == x.nextID {
		x.nextID++
		return
	}
	if x.holes[0].from++; x.holes[0].from == x.holes[0].to {
		x.holes = x.holes[1:]
	}
}

// Load adds a series whose number is known, which must be greater than all
// before. Numbers that are left out are given to series that are added later:
// so numbers of series that are gone are used again after a new start, never before.
func (x *Index) Load(id uint32, name []byte) error {
	var scratch [MaxLen]byte
	if canonical, ok := AppendCanonical(scratch[:0], name); !ok || !bytes.Equal(canonical, name) {
		return fmt.Errorf("load series %d: %q is no canonical name", id, name)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if id < x.nextID || id > MaxID {
		return fmt.Errorf("load series %d %q: not a number from %d to %d", id, name, x.nextID, MaxID)
	}
	has, err := x.put(id, name)
	if err == nil && has != id {
		err = ErrExists
	}
	if err != nil {
		return fmt.Errorf("load series %d %q: %w", id, name, err)
	}
	if id > x.nextID {
		x.holes = append(x.holes, span{x.nextID, id})
	}
	x.nextID = id + 1
	return nil
}

// put makes the series id, unless one has the name: it returns which has it then.
func (x *Index) put(id uint32, name []byte) (has uint32, err error) {
	n, err := x.makeName(name)
	if err != nil {
		return 0, err
	}
	if series := x.nodes.at(n).series.Load(); series != 0 {
		return series - 1, nil
	}
	if id > MaxID {
		err = ErrFull
	} else {
		err = x.tag(id, name)
	}
	if err != nil {
		x.prune(n)
		return 0, err
	}
	x.settle(n, id)
	x.count.Add(1)
	return id, nil
}

// settle makes n the end of the series id.
func (x *Index) settle(n, id uint32) {
	x.nodes.at(n).series.Store(id + 1)
	x.byID.grow(id).Store(n)
}

// makeName returns the node of name, making what is missing. It has no series.
func (x *Index) makeName(name []byte) (n uint32, err error) {
	n, sep := rootOf(name)
	for len(name) > 0 {
		var part []byte
		part, name = nextPart(name, sep)
		next, err := x.makeStep(n, part)
		if err != nil {
			x.prune(n)
			return 0, err
		}
		n = next
	}
	return n, nil
}

// makeStep is step that makes the node. A node that is dead is one more of the
// living then: it is about to get a series or something below it.
func (x *Index) makeStep(parent uint32, part []byte) (n uint32, err error) {
	if n, ok := x.step(parent, part); ok {
		if !x.alive(n) {
			x.revive(parent)
		}
		return n, nil
	}
	hash := x.labels.hash(part)
	label, ok := x.labels.take(part, hash)
	if !ok {
		return 0, ErrFull
	}
	if n, ok = x.newNode(); !ok {
		x.labels.drop(label)
		return 0, ErrFull
	}
	nd := x.nodes.at(n)
	nd.parent, nd.label = parent, label
	nd.series.Store(0)
	nd.kids.Store(0)
	x.edges.insert(x.edgeHash(parent, hash), n, func(n uint32) uint64 {
		nd := x.nodes.at(n)
		return x.edgeHash(nd.parent, x.labels.hash(x.labels.text(nd.label)))
	})
	x.addKid(parent, n, x.byLabel)
	return n, nil
}

// revive takes one off the dead below a node with a list: what is dead is only
// kept in lists.
func (x *Index) revive(parent uint32) {
	x.lists.at(x.nodes.at(parent).kids.Load()).Load().dead.Add(^uint32(0))
}

func (x *Index) newNode() (n uint32, ok bool) {
	for _, n := range x.grace.reclaim() {
		x.freeNode(n)
	}
	if last := len(x.freeNodes) - 1; last >= 0 {
		n, x.freeNodes = x.freeNodes[last], x.freeNodes[:last]
		return n, true
	}
	if x.nodeEnd == only {
		return 0, false
	}
	x.nodes.grow(x.nodeEnd)
	x.nodeEnd++
	return x.nodeEnd - 1, true
}

// freeNode takes back what no reader holds any more.
func (x *Index) freeNode(n uint32) {
	nd := x.nodes.at(n)
	x.labels.drop(nd.label)
	if k := nd.kids.Load(); k != 0 && k&only == 0 {
		x.lists.at(k).Store(nil)
		x.freeLists = append(x.freeLists, k)
	}
	x.freeNodes = append(x.freeNodes, n)
}

// byLabel is the order of nodes: their texts, byte by byte.
func (x *Index) byLabel(a, b uint32) int {
	return bytes.Compare(x.labels.text(x.nodes.at(a).label), x.labels.text(x.nodes.at(b).label))
}

// alive reports whether a series ends at n or anything alive is below it.
func (x *Index) alive(n uint32) bool {
	return x.nodes.at(n).series.Load() != 0 || x.liveKids(n) > 0
}

// prune buries n if it is dead, and what is dead above it then.
func (x *Index) prune(n uint32) {
	for n >= firstNode && !x.alive(n) {
		parent := x.nodes.at(n).parent
		x.buryKid(parent, func(kid uint32) bool { return !x.alive(kid) }, x.cut)
		n = parent
	}
}

// cut takes a dead node out of the tree.
func (x *Index) cut(n uint32) {
	nd := x.nodes.at(n)
	x.edges.remove(x.edgeHash(nd.parent, x.labels.hash(x.labels.text(nd.label))), n)
	x.grace.retire(n)
}

// Remove forgets a series, and reports whether it was there. Its number is not
// used again by this Index.
func (x *Index) Remove(id uint32) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.isGone(id) {
		return false
	}
	at := x.byID.at(id)
	n := at.Load()
	name := x.appendPath(nil, n)
	at.Store(0)
	x.nodes.at(n).series.Store(0)
	x.untag(name)
	x.prune(n)
	x.count.Add(-1)
	return true
}

// Rename gives a series another canonical name; its number stays. While it is
// under way readers may see both names. After an error, which wraps [ErrExists]
// or [ErrFull], nothing has changed.
func (x *Index) Rename(id uint32, name []byte) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.isGone(id) {
		return fmt.Errorf("rename series %d: there is none", id)
	}
	if n, ok := x.walk(name); ok && x.nodes.at(n).series.Load() != 0 {
		return fmt.Errorf("rename series %d to %q: %w", id, name, ErrExists)
	}
	x.moves.Add(1)
	defer x.moves.Add(1)
	old := x.byID.at(id).Load()
	oldName := x.appendPath(nil, old)
	x.detach(id, oldName, MaxTags+1) // first: tags that both names have are put back by tag
	n, err := x.makeName(name)
	if err == nil {
		if err = x.tag(id, name); err != nil {
			x.prune(n)
		}
	}
	if err != nil {
		_ = x.tag(id, oldName) // what it needs was there a moment ago
		return fmt.Errorf("rename series %d to %q: %w", id, name, err)
	}
	x.settle(n, id)
	x.nodes.at(old).series.Store(0)
	x.prune(old)
	return nil
}
