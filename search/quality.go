package search

// How says in which way a word of a query was found.
type How uint8

// Ways, best first.
const (
	Exact    How = iota + 1 // as written, but for capitals
	Folded                  // but for the marks of letters: ake finds Åke
	Prefix                  // the beginning of a word
	Sound                   // another spelling of the same sound
	Misspelt                // one or two letters wrong
	Inside                  // in the middle or at the end of a longer word
	Digits                  // the first or last digits of a number
)

// String gives the way as it is written in answers.
func (h How) String() string {
	return pickName(int(h)-1, "exact", "folded", "prefix", "sound", "misspelt", "inside", "digits")
}

// Field is where a word was found.
type Field uint8

// Fields, the heaviest first. Initials are made of names.
const (
	InName Field = iota
	InKeywords
	InTitle
	InDepartment
	InInitials
	InOffice
	InLanguages
	InText
	InNumbers
)

// String gives the field as it is written in answers.
func (f Field) String() string {
	return pickName(int(f), "name", "keywords", "title", "department", "initials", "office", "languages", "text", "numbers")
}

// weights of the fields, in thousandths; numbers weigh 1000.
var weights = [...]int{InName: 1000, InKeywords: 800, InTitle: 740, InDepartment: 740, InInitials: 700, InOffice: 640, InLanguages: 600, InText: 450}

// Qualities of a match, in thousandths. What is found by a beginning gets up to the span on top, by how much of the word
// was typed.
const (
	exactly       = 1000
	folded        = 960
	begins        = 840
	beginsFolded  = 820
	beginsSpan    = 80
	soundsAlike   = 800
	soundsBegin   = 600
	soundsSpan    = 60
	oneWrong      = 700
	twoWrong      = 560
	inside        = 500
	oneWrongBegin = 480
	twoWrongBegin = 380
	wrongSpan     = 40
	soundsWrong   = 440 // a sound-alike with one letter wrong
	firstWrong    = 40  // off where the first letter is another: people rarely miss it
	numberEnd     = 850
	numberStart   = 700
)

// What is added to the mean of the words' qualities, at most.
const (
	wholeName = 50  // every word of the name was asked for
	personTop = 20  // persons; the other kinds get less, in their order
	kindStep  = 5   // less for each kind after
	chosenTop = 100 // the person who is chosen all the time
)

// Lengths, in letters, from which words are treated kindly.
const (
	oneEdit       = 4 // one misspelling is forgiven
	twoEdits      = 8 // two are
	editBeginning = 5 // a misspelling is forgiven in a word of which only the beginning was typed
	minInside     = 4 // looked for within longer words
	minSound      = 3 // letters of a key that may be the beginning of another
	editSound     = 6 // a misspelling is forgiven in a sound-alike
)

func editsFor(letters int) int {
	switch {
	case letters >= twoEdits:
		return 2
	case letters >= oneEdit:
		return 1
	}
	return 0
}

// misspelt is the quality of a word at a distance from a term.
func misspelt(distance int, sameFirst bool) int {
	q := oneWrong
	if distance == 2 {
		q = twoWrong
	}
	if !sameFirst {
		q -= firstWrong
	}
	return q
}

// misspeltBeginning is the quality of a word at a distance from the beginning of a term.
func misspeltBeginning(distance, typed, letters int, sameFirst bool) int {
	q := oneWrongBegin
	if distance == 2 {
		q = twoWrongBegin
	}
	if !sameFirst {
		q -= firstWrong
	}
	return q + wrongSpan*min(typed, letters)/max(typed, letters)
}

// a score is what one word is worth in one document: the quality, weighted, and where and how it came about. Scores
// compare as numbers.
type score uint32

func newScore(quality, weight int, f Field, h How) score {
	return score(quality*weight/1000)<<8 | score(15-h)<<4 | score(15-f)
}

func (s score) points() int  { return int(s >> 8) }
func (s score) field() Field { return Field(15 - s&15) }
func (s score) how() How     { return How(15 - s>>4&15) }
