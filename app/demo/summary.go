package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"telefonist/call"
	"telefonist/record"
	"telefonist/tariff"
)

// Summary is what a run left in the store.
type Summary struct {
	Records []record.Record
	// Names gives the names of tenants by their ids; one that is missing is named by its id.
	Names map[string]string
	// Stored tells where the records are kept.
	Stored string
}

// sums are one line of the summary.
type sums struct {
	calls, rows, over int
	tariffs           map[tariff.Tariffs]int
	amount            int64
}

func (s *sums) add(r record.Record) {
	if r.Corrects == "" {
		s.calls++
	}
	if r.Row == nil {
		return
	}
	s.rows++
	s.amount += r.Row.AmountOre
	if s.tariffs == nil {
		s.tariffs = map[tariff.Tariffs]int{}
	}
	s.tariffs[r.Row.Tariff]++
	if r.Row.Over45 {
		s.over++
	}
}

// Write prints the rows of each tariff by tenant, with their sums in kronor, how the calls ended, and where it all is
// kept. On a terminal it is coloured as the table is.
func (s Summary) Write(w io.Writer) error { return s.write(w, palette(isTerminal(w))) }

func (s Summary) write(w io.Writer, colours palette) error {
	tenants, total, outcomes := map[string]*sums{}, sums{}, map[call.Outcome]int{}
	for _, r := range s.Records {
		if tenants[r.Tenant] == nil {
			tenants[r.Tenant] = &sums{}
		}
		tenants[r.Tenant].add(r)
		total.add(r)
		outcomes[r.Outcome]++
	}
	shown := used(total)
	table := [][]string{s.head(shown)}
	for _, id := range slices.Sorted(maps.Keys(tenants)) {
		name := s.Names[id]
		if name == "" {
			name = id
		}
		table = append(table, tenants[id].cells(name, shown))
	}
	table = append(table, total.cells("all", shown))
	var b strings.Builder
	b.WriteString("\n")
	for i, line := range align(table) {
		switch i {
		case 0:
			line = colours.paint(dim, line)
		case len(table) - 1:
			line = colours.paint(bold, line)
		}
		b.WriteString(line + "\n")
	}
	var ends []string
	for _, o := range call.Outcomes {
		if n := outcomes[o]; n > 0 {
			ends = append(ends, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(o), "_", " ")))
		}
	}
	if len(ends) == 0 {
		ends = []string{"none"}
	}
	fmt.Fprintf(&b, "\ncalls: %s\n", strings.Join(ends, ", "))
	if s.Stored != "" {
		fmt.Fprintf(&b, "kept in %s\n", s.Stored)
	}
	_, err := io.WriteString(w, b.String())
	if err != nil {
		return fmt.Errorf("print summary: %w", err)
	}
	return nil
}

// used are the tariffs to be shown: the six, and the sums that occur.
func used(total sums) []tariff.Tariffs {
	var shown []tariff.Tariffs
	for _, t := range tariff.AllTariffs() {
		if t[1] == 0 || total.tariffs[t] > 0 {
			shown = append(shown, t)
		}
	}
	return shown
}

func (s Summary) head(shown []tariff.Tariffs) []string {
	cells := []string{"tenant", "calls", "rows"}
	for _, t := range shown {
		cells = append(cells, "tariff "+t.String())
	}
	return append(cells, "over included", "amount")
}

func (s *sums) cells(name string, shown []tariff.Tariffs) []string {
	cells := []string{name, fmt.Sprint(s.calls), fmt.Sprint(s.rows)}
	for _, t := range shown {
		cells = append(cells, fmt.Sprint(s.tariffs[t]))
	}
	return append(cells, fmt.Sprint(s.over), tariff.Kronor(s.amount))
}

// align lays a table out: the first column to the left, the others to the right.
func align(table [][]string) []string {
	widths := make([]int, len(table[0]))
	for _, cells := range table {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	lines := make([]string, len(table))
	for n, cells := range table {
		var b strings.Builder
		for i, c := range cells {
			gap := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if i == 0 {
				b.WriteString(c + gap)
				continue
			}
			b.WriteString("  " + gap + c)
		}
		lines[n] = b.String()
	}
	return lines
}
