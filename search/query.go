package search

import "strings"

// Limits of a query. What is beyond them is not looked for.
const (
	maxQuery = 400 // bytes
	maxWords = 8
)

// word is one word of a query, made ready.
type word struct {
	text   string // as typed, lower case
	folded []rune
	plain  bool     // typed without marks
	keys   []string // sounds
	edits  int      // misspellings forgiven
	number asked    // where it is one
	isNum  bool
}

func newWord(t token) word {
	f := fold(t.text)
	w := word{text: t.text, folded: []rune(f), plain: f == t.text, keys: sounds(t.text)}
	if !strings.ContainsAny(f, "0123456789") {
		w.edits = editsFor(len(w.folded))
	}
	return w
}

func newNumber(raw, country string) word {
	digits, full := written(raw, country)
	w := newWord(token{text: digits, digits: true})
	w.isNum, w.number = true, asked{pack(digits), pack(full)}
	return w
}

// parse splits a query into words. Digits that follow each other are one number, however they are grouped; where that makes
// a difference, apart are the words if each group stands for itself.
func parse(query, country string) (joined, apart []word) {
	list := tokens(clip(query, maxQuery), maxWords)
	different := false
	for i := 0; i < len(list); {
		t := list[i]
		if !t.digits {
			w := newWord(t)
			joined, apart = append(joined, w), append(apart, w)
			i++
			continue
		}
		raw, first := "", i
		for ; i < len(list) && list[i].digits; i++ {
			if i > first && list[i].plus {
				break
			}
			if raw != "" && list[i].text == "0" && list[first].plus { // +46 (0)8
				different = true
				continue
			}
			raw += list[i].text
			apart = append(apart, newNumber(list[i].text, country))
		}
		different = different || i > first+1
		if t.plus {
			raw = "+" + raw
		}
		joined = append(joined, newNumber(raw, country))
	}
	if !different {
		apart = nil
	}
	return joined, apart
}
