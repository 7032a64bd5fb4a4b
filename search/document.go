package search

// Kind is what a document is about.
type Kind uint8

// Kinds, in the order in which they are shown when they match equally well.
const (
	Person Kind = iota
	CommonNumber
	Office
	Question
	Instruction
	kinds
)

// String gives the kind as it is written in answers.
func (k Kind) String() string {
	return pickName(int(k), "person", "common_number", "office", "question", "instruction")
}

func pickName(i int, names ...string) string {
	if i >= 0 && i < len(names) {
		return names[i]
	}
	return "unknown"
}

// Doc is one thing that can be found. Every text is split into words, and each word can be searched for; a query's
// words may be spread over several fields.
type Doc struct {
	// ID is unique within the tenant.
	ID   string
	Kind Kind
	// Names are the person's names, or what a common number or an office is called. Each is one name: initials are
	// made of it.
	Names []string
	// Numbers are telephone numbers in any format, and extensions. Leave out what a receptionist may not find.
	Numbers    []string
	Keywords   []string
	Title      string // a person's title, a question
	Department string
	Office     string
	Languages  []string
	// Text is what weighs least: notes, e-mail addresses, responsibilities, the words of an instruction, an answer.
	Text string
}
