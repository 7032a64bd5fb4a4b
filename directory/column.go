package directory

import (
	"fmt"
	"slices"
	"strings"
)

// column is one column of a file with people.
type column struct {
	name string   // in exports
	also []string // other words for it, folded as fold does
	get  func(id string, p Person) string
	// set lays a cell over the person of the file's row.
	set func(d *draft, cell string, p *Problems)
	// field is what Normalize calls the field where it differs from the name.
	field string
}

// draft is a person while their row is read. The numbers are put together once all cells are known.
type draft struct {
	id      string
	person  Person
	region  string
	phones  map[PhoneKind][]string // of the kinds that the file has a column for
	hidden  []string
	hides   bool // the file has a column of hidden numbers
	order   []string
	ordered bool // the file has a column of the order
}

// columns in the order of exports.
var columns = []column{
	{name: "id", get: func(id string, _ Person) string { return id },
		set: func(d *draft, cell string, _ *Problems) { d.id = cell }},
	text("external_id", func(p *Person) *string { return &p.ExternalID }, "externt id", "extern id", "anställningsnummer", "anställningsnr", "anstnr", "personalnummer", "employee id", "employee number", "användarnamn", "username"),
	text("given_name", func(p *Person) *string { return &p.GivenName }, "förnamn", "first name", "firstname", "tilltalsnamn"),
	text("family_name", func(p *Person) *string { return &p.FamilyName }, "efternamn", "last name", "lastname", "surname"),
	text("title", func(p *Person) *string { return &p.Title }, "titel", "befattning", "roll", "job title", "position"),
	text("department", func(p *Person) *string { return &p.Department }, "avdelning", "enhet", "dept", "grupp"),
	text("office", func(p *Person) *string { return &p.Office }, "kontor", "ort", "location", "site"),
	phones(PhoneExtension, "anknytning", "ankn", "anknytningsnummer", "ext", "internnummer"),
	phones(PhoneDirect, "direkt", "direktnummer", "direct number", "telefon", "phone", "telephone", "telefonnummer", "arbetstelefon", "fast telefon"),
	phones(PhoneMobile, "mobil", "mobilnummer", "mobiltelefon", "cell", "mobile phone", "mobile number"),
	phones(PhoneOther, "övriga nummer", "andra nummer", "other numbers", "övrigt nummer"),
	{name: "hidden_numbers", also: []string{"dolda nummer", "hemliga nummer", "hidden"}, field: "numbers",
		get: func(_ string, p Person) string { return joinPhones(p.Numbers, func(n Phone) bool { return n.Hidden }) },
		set: func(d *draft, cell string, _ *Problems) { d.hidden, d.hides = words(cell), true }},
	{name: "number_order", also: []string{"nummerordning", "preferens", "preference"}, field: "numbers",
		get: func(_ string, p Person) string {
			if slices.IsSortedFunc(p.Numbers, byKind) {
				return ""
			}
			return joinPhones(p.Numbers, func(Phone) bool { return true })
		},
		set: func(d *draft, cell string, _ *Problems) { d.order, d.ordered = words(cell), true }},
	text("email", func(p *Person) *string { return &p.Email }, "e-post", "epost", "e-postadress", "epostadress", "mail", "e-mail", "mejl", "email address"),
	text("sms", func(p *Person) *string { return &p.SMS }, "sms-nummer", "smsnummer", "sms number"),
	list("languages", func(p *Person) *[]string { return &p.Languages }, "språk", "language"),
	list("keywords", func(p *Person) *[]string { return &p.Keywords }, "sökord", "nyckelord", "keyword", "taggar", "tags"),
	{name: "responsibilities", also: []string{"ansvar", "ansvarsområden", "ansvarsområde"},
		get: func(_ string, p Person) string { return joinResponsibilities(p.Responsibilities) },
		set: func(d *draft, cell string, _ *Problems) {
			d.person.Responsibilities = splitResponsibilities(cell, d.region)
		}},
	list("substitutes", func(p *Person) *[]string { return &p.Substitutes }, "ersättare", "vikarie", "vikarier", "substitute", "backup"),
	text("notes", func(p *Person) *string { return &p.Notes }, "anteckning", "anteckningar", "notering", "noteringar", "övrigt", "kommentar", "note", "comment", "information"),
	text("photo_url", func(p *Person) *string { return &p.PhotoURL }, "foto", "bild", "photo", "picture"),
}

// wholeName is read but not written: one column with the whole name.
var wholeName = column{name: "name", also: []string{"namn", "fullständigt namn", "full name", "display name", "visningsnamn"}, field: "family_name",
	set: func(d *draft, cell string, _ *Problems) { d.person.GivenName, d.person.FamilyName = splitName(cell) }}

func text(name string, at func(*Person) *string, also ...string) column {
	return column{name: name, also: also,
		get: func(_ string, p Person) string { return *at(&p) },
		set: func(d *draft, cell string, _ *Problems) { *at(&d.person) = mend(name, cell, d.region) }}
}

func list(name string, at func(*Person) *[]string, also ...string) column {
	return column{name: name, also: also,
		get: func(_ string, p Person) string { return strings.Join(*at(&p), ", ") },
		set: func(d *draft, cell string, _ *Problems) { *at(&d.person) = words(cell) }}
}

func phones(kind PhoneKind, also ...string) column {
	return column{name: string(kind), also: also, field: "numbers",
		get: func(_ string, p Person) string {
			return joinPhones(p.Numbers, func(n Phone) bool { return n.Kind == kind })
		},
		set: func(d *draft, cell string, p *Problems) {
			numbers := []string{}
			for _, w := range words(cell) {
				if kind != PhoneExtension {
					w = mend("sms", w, d.region)
				}
				at := w
				p.phone(string(kind), &at, d.region, true)
				if kind == PhoneExtension && at != "" && !IsExtension(at) && len(*p) == 0 {
					p.add(string(kind), fmt.Sprintf("%q is no extension", w), "write 2 to 5 digits, or use the column direct or mobile")
				}
				numbers = append(numbers, at)
			}
			d.phones[kind] = numbers
		}}
}

// mend puts the leading zero back that a spreadsheet takes from a telephone number it holds for a number.
func mend(field, cell, region string) string {
	if field != "sms" || len(cell) < 7 || len(cell) > 10 || strings.Trim(cell, "0123456789") != "" || cell[0] == '0' {
		return cell
	}
	if _, err := ParseNumber(cell, region); err == nil {
		return cell
	}
	if _, err := ParseNumber("0"+cell, region); err == nil {
		return "0" + cell
	}
	return cell
}

func byKind(a, b Phone) int {
	return slices.Index(phoneKinds, a.Kind) - slices.Index(phoneKinds, b.Kind)
}

func joinPhones(all []Phone, want func(Phone) bool) string {
	var out []string
	for _, n := range all {
		if want(n) {
			out = append(out, n.Number)
		}
	}
	return strings.Join(out, ", ")
}

func words(cell string) []string {
	out := []string{}
	for _, w := range strings.FieldsFunc(cell, func(r rune) bool { return strings.ContainsRune(",;|\n", r) }) {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func splitName(cell string) (given, family string) {
	if family, given, found := strings.Cut(cell, ","); found {
		return strings.TrimSpace(given), strings.TrimSpace(family)
	}
	parts := strings.Fields(cell)
	if len(parts) < 2 {
		return "", cell
	}
	return strings.Join(parts[:len(parts)-1], " "), parts[len(parts)-1]
}

func joinResponsibilities(all []Responsibility) string {
	var out []string
	for _, r := range all {
		switch {
		case r.Common != "":
			out = append(out, r.Common+": "+r.What)
		case strings.Contains(r.What, ":"):
			out = append(out, ": "+r.What)
		default:
			out = append(out, r.What)
		}
	}
	return strings.Join(out, " | ")
}

// splitResponsibilities reads "fakturor | +4684000001: support | : without a number".
func splitResponsibilities(cell, region string) (all []Responsibility) {
	for _, part := range strings.FieldsFunc(cell, func(r rune) bool { return r == '|' || r == '\n' }) {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		r := Responsibility{What: part}
		if before, after, found := strings.Cut(part, ":"); found {
			before, after = strings.TrimSpace(before), strings.TrimSpace(after)
			if _, err := ParseNumber(before, region); err == nil || before == "" {
				r = Responsibility{Common: before, What: after}
			}
		}
		all = append(all, r)
	}
	return all
}

var headingMarks = strings.NewReplacer("_", " ", ".", "", ":", "", "*", "")

// fold brings a heading into the form in which words for columns are compared.
func fold(heading string) string {
	heading = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(heading, "\ufeff")))
	heading = headingMarks.Replace(heading)
	return strings.Join(strings.Fields(heading), " ")
}

// columnWords finds a column by each of its words.
var columnWords = func() map[string]column {
	words := map[string]column{}
	for _, c := range append(slices.Clip(columns), wholeName) {
		for _, w := range append([]string{fold(c.name)}, c.also...) {
			words[w] = c
		}
	}
	return words
}()

// findColumn gives the column that a heading means.
func findColumn(heading string) (column, bool) {
	c, known := columnWords[fold(heading)]
	return c, known
}

// PersonColumns are the headings of an export of people, in order.
func PersonColumns() []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.name
	}
	return names
}

// PersonRow gives the cells of a person under PersonColumns. Read again they give the same person.
func PersonRow(id string, p Person) []string {
	cells := make([]string, len(columns))
	for i, c := range columns {
		cells[i] = c.get(id, p)
	}
	return cells
}

// finish puts the numbers together: kinds that the file has no column for stay as they were, and so do hidden marks and
// the order where the file says nothing of them.
func (d *draft) finish(p *Problems) {
	if len(d.phones) == 0 && !d.hides && !d.ordered {
		return
	}
	was := map[string]Phone{}
	var all []Phone
	for _, n := range d.person.Numbers {
		was[n.Number] = n
		numbers, given := d.phones[n.Kind]
		if !given || slices.Contains(numbers, n.Number) {
			all = append(all, n)
		}
	}
	for _, kind := range phoneKinds {
		for _, number := range d.phones[kind] {
			if !slices.ContainsFunc(all, func(n Phone) bool { return n.Number == number && n.Kind == kind }) {
				all = append(all, Phone{Kind: kind, Number: number, Hidden: was[number].Hidden})
			}
		}
	}
	if d.hides {
		d.mark(all, p)
	}
	if d.ordered {
		d.sort(all, p)
	}
	d.person.Numbers = all
}

// mark sets the hidden numbers: each entry is a number of the person or a kind.
func (d *draft) mark(all []Phone, p *Problems) {
	for i := range all {
		all[i].Hidden = false
	}
	for _, w := range d.hidden {
		found := false
		for i := range all {
			if d.same(all[i], w) {
				all[i].Hidden, found = true, true
			}
		}
		if !found {
			p.add("hidden_numbers", fmt.Sprintf("%q is none of the person's numbers", w), "write a number of this row, or a kind such as mobile")
		}
	}
}

func (d *draft) sort(all []Phone, p *Problems) {
	for _, w := range d.order {
		if !slices.ContainsFunc(all, func(n Phone) bool { return d.same(n, w) }) {
			p.add("number_order", fmt.Sprintf("%q is none of the person's numbers", w), "write a number of this row, or a kind such as mobile")
		}
	}
	place := func(n Phone) int {
		if i := slices.IndexFunc(d.order, func(w string) bool { return d.same(n, w) }); i >= 0 {
			return i
		}
		return len(d.order) + slices.Index(phoneKinds, n.Kind)
	}
	slices.SortStableFunc(all, func(a, b Phone) int { return place(a) - place(b) })
}

// same tells whether a word names a number: the number in any form, or its kind in either language.
func (d *draft) same(n Phone, word string) bool {
	if n.Number == word {
		return true
	}
	if c, known := findColumn(word); known {
		return c.name == string(n.Kind)
	}
	dialled, err := parseDialled(word, d.region)
	return err == nil && (dialled.Number == n.Number || dialled.Extension == n.Number)
}
