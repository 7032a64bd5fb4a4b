package queue

import (
	"iter"
	"slices"
)

// blockSize is how many items a block of a sorted set has at most, twice over: it is split when it has more than 2 × blockSize.
const blockSize = 64

// sorted is an ordered set in blocks: finding, inserting, removing and ranking cost a binary search and the moving of one
// block, whatever the size. No two items of it may compare as equal, and nothing that their order depends on may change
// while they are in it.
type sorted[T any] struct {
	order  func(a, b T) int
	blocks [][]T // none of them empty
	n      int
}

// find tells in which block an item is or belongs, and where.
func (s *sorted[T]) find(x T) (block, at int, found bool) {
	block, _ = slices.BinarySearchFunc(s.blocks, x, func(b []T, x T) int { return s.order(b[len(b)-1], x) })
	if block == len(s.blocks) {
		return block, 0, false
	}
	at, found = slices.BinarySearchFunc(s.blocks[block], x, s.order)
	return block, at, found
}

func (s *sorted[T]) insert(x T) {
	block, at, _ := s.find(x)
	s.n++
	switch {
	case len(s.blocks) == 0:
		s.blocks = append(s.blocks, []T{x})
		return
	case block == len(s.blocks): // behind all others
		block--
		at = len(s.blocks[block])
	}
	b := slices.Insert(s.blocks[block], at, x)
	s.blocks[block] = b
	if len(b) > 2*blockSize {
		s.blocks = slices.Insert(s.blocks, block+1, slices.Clone(b[blockSize:]))
		clear(b[blockSize:])
		s.blocks[block] = b[:blockSize]
	}
}

// remove returns false where the item is not in the set.
func (s *sorted[T]) remove(x T) bool {
	block, at, found := s.find(x)
	if !found {
		return false
	}
	s.n--
	b := slices.Delete(s.blocks[block], at, at+1)
	s.blocks[block] = b
	switch next := block + 1; {
	case len(b) == 0:
		s.blocks = slices.Delete(s.blocks, block, block+1)
	case next < len(s.blocks) && len(b)+len(s.blocks[next]) < blockSize:
		s.blocks[block] = append(b, s.blocks[next]...)
		s.blocks = slices.Delete(s.blocks, next, next+1)
	}
	return true
}

// first is the first item, the zero value where there is none.
func (s *sorted[T]) first() (x T) {
	if s.n > 0 {
		x = s.blocks[0][0]
	}
	return x
}

// rank is how many items stand before one that need not be in the set.
func (s *sorted[T]) rank(x T) (n int) {
	block, at, _ := s.find(x)
	for _, b := range s.blocks[:block] {
		n += len(b)
	}
	return n + at
}

// all goes through the set in order. The set must not change meanwhile.
func (s *sorted[T]) all() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, b := range s.blocks {
			for _, x := range b {
				if !yield(x) {
					return
				}
			}
		}
	}
}
