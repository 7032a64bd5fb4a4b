package directory

import (
	"fmt"
	"slices"
	"strings"
)

// Row is one row of a file: its line as a person counts them (from 1) and its cells.
type Row struct {
	Line  int
	Cells []string
}

// Book is a tenant's people as an import finds them.
type Book struct {
	people map[string]Person
	keys   map[Key][]string
}

// NewBook makes an empty book.
func NewBook() *Book { return &Book{people: map[string]Person{}, keys: map[Key][]string{}} }

// Add puts a person in. Those with the same id stand in place of each other.
func (b *Book) Add(id string, p Person) {
	if old, had := b.people[id]; had {
		for _, k := range old.Keys() {
			b.keys[k] = slices.DeleteFunc(b.keys[k], func(other string) bool { return other == id })
		}
	}
	b.people[id] = p
	for _, k := range p.Keys() {
		b.keys[k] = append(b.keys[k], id)
	}
}

// Fate is what an import does with a row.
type Fate string

// The fates of a row.
const (
	Create    Fate = "create"
	Update    Fate = "update"
	Unchanged Fate = "unchanged"
	Refused   Fate = "error"
	Remove    Fate = "delete" // in no row, where the file is to replace everything
)

// RowFate tells what an import does with one row, and why not.
type RowFate struct {
	Line     int           `json:"line,omitempty" doc:"Line or row of the file, from 1"`
	Fate     Fate          `json:"fate" enum:"create,update,unchanged,error,delete"`
	ID       string        `json:"id,omitempty"`
	Name     string        `json:"name,omitempty"`
	Problems []CellProblem `json:"problems,omitempty"`
}

// CellProblem is what is wrong with one cell.
type CellProblem struct {
	Line   int    `json:"line"`
	Column int    `json:"column" doc:"Column of the file, from 1; 0 where the row as a whole is wrong"`
	Header string `json:"header,omitempty" doc:"The column's heading as the file has it"`
	Wrong  string `json:"wrong"`
	Write  string `json:"write"`
}

// Error gives the sentence for an operator.
func (c CellProblem) Error() string {
	where := fmt.Sprintf("line %d", c.Line)
	if c.Column > 0 {
		where += fmt.Sprintf(", column %d (%s)", c.Column, c.Header)
	}
	return where + ": " + c.Wrong + ": " + c.Write
}

// PlanOptions say how a file is to be read.
type PlanOptions struct {
	Region  string
	Replace bool          // people whom the file does not have are removed
	NewID   func() string // makes ids of people
	// IsCommon tells whether a number (E.164) is one of the tenant's common numbers; nil: any may be.
	IsCommon func(number string) bool
}

// Plan is what an import would do.
type Plan struct {
	Fates   []RowFate `json:"rows"`
	Ignored []string  `json:"ignored_columns" doc:"Headings that mean nothing here"`
	// Upserts are the people to write, by id; Removed those to remove.
	Upserts map[string]Person `json:"-"`
	Removed []string          `json:"-"`
}

// Counts sums the fates up.
func (p Plan) Counts() (c ImportCounts, refused int) {
	for _, f := range p.Fates {
		switch f.Fate {
		case Create:
			c.Created++
		case Update:
			c.Updated++
		case Unchanged:
			c.Unchanged++
		case Remove:
			c.Deleted++
		case Refused:
			refused++
		}
	}
	return c, refused
}

// planner reads one file.
type planner struct {
	book    *Book
	o       PlanOptions
	columns []column // by position; without a name where the heading means nothing
	header  []string
	seen    map[string]int // the line of each person
	given   map[Key]int    // the line of each unique key
	plan    Plan
}

// PlanImport decides the fate of each row. It changes nothing; the book is its own from then on. An error is about the
// file as a whole: its heading.
func PlanImport(b *Book, header []string, rows []Row, o PlanOptions) (Plan, error) {
	pl := &planner{book: b, o: o, header: header, seen: map[string]int{}, given: map[Key]int{}, plan: Plan{Ignored: []string{}, Fates: []RowFate{}, Upserts: map[string]Person{}}}
	if err := pl.heading(); err != nil {
		return Plan{}, err
	}
	for _, r := range rows {
		if strings.TrimSpace(strings.Join(r.Cells, "")) != "" {
			pl.plan.Fates = append(pl.plan.Fates, pl.row(r))
		}
	}
	pl.substitutes()
	pl.settle()
	return pl.plan, nil
}

// heading finds the columns.
func (pl *planner) heading() error {
	at := map[string]string{}
	for _, h := range pl.header {
		c, known := findColumn(h)
		if !known {
			if strings.TrimSpace(h) != "" {
				pl.plan.Ignored = append(pl.plan.Ignored, h)
			}
			c = column{}
		} else if first, twice := at[c.name]; twice {
			return fmt.Errorf("the headings %q and %q mean the same (%s): take one out", first, h, c.name)
		}
		if c.name != "" {
			at[c.name] = h
		}
		pl.columns = append(pl.columns, c)
	}
	if at["name"] == "" && at["given_name"] == "" && at["family_name"] == "" {
		return fmt.Errorf("there is no column with names: the first row must have headings such as %s", "Förnamn, Efternamn, Anknytning, E-post")
	}
	return nil
}

// row reads one row.
func (pl *planner) row(r Row) RowFate {
	d := &draft{region: pl.o.Region, phones: map[PhoneKind][]string{}}
	var key struct{ external, mail string }
	for i, c := range pl.columns {
		if cell := cell(r, i); c.name == "id" {
			d.id = cell
		} else if c.name == "external_id" {
			key.external = cell
		} else if c.name == "email" {
			key.mail = cell
		}
	}
	f := RowFate{Line: r.Line}
	if len(r.Cells) > len(pl.columns) && strings.TrimSpace(strings.Join(r.Cells[len(pl.columns):], "")) != "" {
		f.Problems = append(f.Problems, CellProblem{Line: r.Line, Column: len(pl.columns) + 1, Wrong: "the row has more cells than there are headings",
			Write: "put cells that hold the separator in quotes"})
	}
	id, was, problem := pl.find(d.id, key.external, key.mail, pl.nameOf(r))
	d.id, d.person = id, was
	d.person.Numbers = slices.Clone(was.Numbers)
	var bad Problems
	if problem != nil {
		bad = append(bad, *problem)
	}
	for i, c := range pl.columns {
		if c.set != nil && c.name != "id" {
			var wrong Problems
			c.set(d, cell(r, i), &wrong)
			bad = append(bad, wrong...)
		}
	}
	if len(bad) == 0 {
		d.finish(&bad)
	}
	if len(bad) == 0 {
		bad = append(bad, d.person.Normalize(pl.o.Region)...)
	}
	if pl.has("responsibilities") {
		bad = append(bad, pl.commons(d.person.Responsibilities)...)
	}
	f.ID, f.Name = d.id, d.person.Name()
	pl.once(&f, d, &bad)
	for _, p := range bad {
		f.Problems = append(f.Problems, pl.cellProblem(r.Line, p))
	}
	if len(f.Problems) > 0 {
		f.Fate, f.ID = Refused, ""
		return f
	}
	pl.seen[d.id] = r.Line
	pl.plan.Upserts[d.id] = d.person
	return f
}

// has tells whether the file has a column.
func (pl *planner) has(name string) bool {
	return slices.ContainsFunc(pl.columns, func(c column) bool { return c.name == name })
}

// commons finds responsibilities at common numbers that the tenant does not have.
func (pl *planner) commons(all []Responsibility) (bad Problems) {
	for _, r := range all {
		if r.Common != "" && pl.o.IsCommon != nil && !pl.o.IsCommon(r.Common) {
			bad.add("responsibilities", r.Common+" is no common number of the tenant", "write one of its common numbers, or leave it out")
		}
	}
	return bad
}

func cell(r Row, i int) string {
	if i >= len(r.Cells) {
		return ""
	}
	return strings.TrimSpace(r.Cells[i])
}

func (pl *planner) nameOf(r Row) string {
	var d draft
	for i, c := range pl.columns {
		switch c.name {
		case "name", "given_name", "family_name":
			c.set(&d, cell(r, i), nil)
		}
	}
	return d.person.Name()
}

// find tells whom a row is about: by id, external id, e-mail address, or name, the first of these that the row has. A
// person who is not there yet gets an id.
func (pl *planner) find(id, external, mail, name string) (string, Person, *Problem) {
	if id != "" {
		if !ValidID(id) {
			return "", Person{}, &Problem{Field: "id", Wrong: fmt.Sprintf("%q is no id", id), Write: "write an id from an export, or leave it empty"}
		}
		return id, pl.book.people[id], nil
	}
	for _, by := range []struct {
		field, value string
		key          Key
	}{{"external_id", external, ExternalKey(external)}, {"email", mail, MailKey(mail)}, {"family_name", name, NameKey(name)}} {
		if by.value == "" {
			continue
		}
		switch ids := pl.book.keys[by.key]; {
		case len(ids) == 1:
			if p := pl.book.people[ids[0]]; by.field == "external_id" || external == "" || p.ExternalID == "" {
				return ids[0], p, nil
			}
		case len(ids) > 1:
			return "", Person{}, &Problem{Field: by.field, Wrong: fmt.Sprintf("%d people have %q", len(ids), by.value), Write: "add a column id or external_id that tells them apart"}
		}
		if by.field == "email" {
			break // an address that nobody has: somebody new, whatever the name
		}
	}
	return pl.o.NewID(), Person{}, nil
}

// ValidID tells whether a string can be an item's id: 1 to 100 letters, digits, dots, underscores and hyphens.
func ValidID(s string) bool {
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-')
	})
}

// once finds people and unique keys that stand in two rows, or belong to somebody whom the file does not change.
func (pl *planner) once(f *RowFate, d *draft, bad *Problems) {
	if line, twice := pl.seen[d.id]; twice && d.id != "" {
		bad.add("", fmt.Sprintf("the same person stands in line %d", line), "take one of the rows out")
	}
	for _, k := range d.person.Keys() {
		if !k.Unique() {
			continue
		}
		if line, twice := pl.given[k]; twice {
			bad.add("external_id", fmt.Sprintf("line %d has it already", line), "write another")
		} else if i := slices.IndexFunc(pl.book.keys[k], func(id string) bool { return id != d.id }); i >= 0 {
			bad.add("external_id", "another person has it already", "write another, or leave the column id out")
		}
		pl.given[k] = f.Line
	}
}

// cellProblem finds the cell of a field.
func (pl *planner) cellProblem(line int, p Problem) CellProblem {
	c := CellProblem{Line: line, Wrong: p.Wrong, Write: p.Write}
	field, _, _ := strings.Cut(p.Field, "[")
	for i, col := range pl.columns {
		if field != "" && col.name != "" && (col.name == field || col.field == field) {
			c.Column, c.Header = i+1, pl.header[i]
			break
		}
	}
	if c.Column == 0 && p.Field != "" {
		c.Wrong = p.Field + ": " + p.Wrong
	}
	return c
}
