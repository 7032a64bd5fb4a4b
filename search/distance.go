package search

// fuzzy measures one word against many, which come in the order of their letters: what a term shares with the one
// before it is not computed again. The distance is Damerau's, restricted (optimal string alignment): a letter too many, a
// letter missing, a wrong letter, or two neighbours swapped count one each, and no letter is changed twice.
type fuzzy struct {
	q    []rune
	max  int
	w    int     // cells of a row
	rows []uint8 // row i: distances of the term's first i letters to each beginning of q; only a band of 2*max+1 is computed
	best []uint8 // best[i]: the least distance of the whole of q to any beginning of the term up to i letters
	done int     // rows that are right for the current term
	dead int     // the row in which everything exceeded max, or 0
}

// newFuzzy prepares for distances up to most (at least 1).
func newFuzzy(q []rune, most int) *fuzzy {
	f := &fuzzy{q: q, max: most, w: len(q) + 1}
	f.rows = make([]uint8, (len(q)+most+1)*f.w)
	f.best = make([]uint8, len(q)+most+1)
	for j := range f.w {
		f.rows[j] = uint8(min(j, most+1))
	}
	f.best[0] = f.rows[len(q)]
	return f
}

// step gives the distance of q to the term, and to its nearest beginning; more than max means too far. shared is how many
// letters the term has in common with the one of the last step.
func (f *fuzzy) step(term []rune, shared int) (whole, beginning int) {
	f.share(shared)
	if f.dead > 0 {
		return f.max + 1, int(f.best[f.dead])
	}
	for f.done < len(term) && f.done < len(f.q)+f.max {
		f.done++
		if f.row(term, f.done) > f.max {
			f.dead = f.done
			return f.max + 1, int(f.best[f.dead])
		}
	}
	if f.done < len(term) || f.done+f.max < len(f.q) { // outside the band
		return f.max + 1, int(f.best[f.done])
	}
	return int(f.rows[f.done*f.w+len(f.q)]), int(f.best[f.done])
}

// share keeps the rows of the letters that the next term has in common with the last; it is called for a term that is left
// out as well.
func (f *fuzzy) share(letters int) {
	if f.dead > letters {
		f.dead = 0
	}
	f.done = min(f.done, letters)
}

// row computes row i and returns its least distance.
func (f *fuzzy) row(term []rune, i int) int {
	far := uint8(f.max + 1)
	row, above := f.rows[i*f.w:(i+1)*f.w], f.rows[(i-1)*f.w:i*f.w]
	low, high := max(1, i-f.max), min(len(f.q), i+f.max)
	row[low-1] = far
	if low == 1 {
		row[0] = min(uint8(i), far)
	}
	least, letter := row[low-1], term[i-1]
	for j := low; j <= high; j++ {
		d := above[j-1]
		if f.q[j-1] != letter {
			d = min(d, row[j-1], above[j]) + 1
			if i > 1 && j > 1 && letter == f.q[j-2] && term[i-2] == f.q[j-1] {
				d = min(d, f.rows[(i-2)*f.w+j-2]+1)
			}
		}
		d = min(d, far)
		row[j] = d
		least = min(least, d)
	}
	if high < len(f.q) {
		row[high+1] = far
	}
	f.best[i] = f.best[i-1]
	if high == len(f.q) && low <= high {
		f.best[i] = min(f.best[i], row[high])
	}
	return int(least)
}
