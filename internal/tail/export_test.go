package tail

// Holds tells whether f has the file with this inode open.
func (f *File) Holds(inode uint64) bool {
	return f.cur != nil && f.cur.inode == inode || f.next != nil && f.next.inode == inode
}
