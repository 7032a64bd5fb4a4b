package tariff

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// maxTableErrors is after how many errors reading a table gives up: enough to mend
// a file in one go, few enough to read.
const maxTableErrors = 20

// caseColumns are the columns a table of cases begins with.
var caseColumns = [...]string{"answered_at", "handled_ms", "mediated"}

// ratedColumns are the columns of a completed table.
var ratedColumns = []string{"answered_at", "handled_ms", "mediated", "tariff", "period", "amount_ore"}

// Case is one line of a table: a call that might have been.
type Case struct {
	// Line is where the case stands in its file, from 1.
	Line int
	// Facts are what it is rated from. ServiceAnswered is true. CustomerService is
	// false, since the table has no column for it; set it to ask what the calls would
	// have cost at a number of customer service.
	Facts Facts

	answeredAt, mediated string // as written, so that they are printed unchanged
}

// Table is a table of cases, in the order of its file.
type Table struct {
	Cases []Case
}

// TableError is one thing wrong in a table of cases, worded for the person who
// wrote it.
type TableError struct {
	Line   int    // line in the file, from 1
	Column int    // byte in the line, from 1
	Wrong  string // what is wrong, with the value found
	Write  string // what to write instead
}

// Error returns "line 3, column 31: what is wrong: what to write instead".
func (e *TableError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s: %s", e.Line, e.Column, e.Wrong, e.Write)
}

// ReadTable reads a table of cases: CSV (RFC 4180) in UTF-8 whose header and
// lines begin with the columns
//
//	answered_at  instant of answer, RFC 3339 with its offset
//	handled_ms   handling in milliseconds, with up to six decimals (nanoseconds)
//	mediated     false or none; true or direct; announced
//
// Further columns are ignored, so that a completed table can be read again. What
// is wrong is returned as *TableError, at most 20 of them, joined; other errors
// are those of r. The table is empty then.
func ReadTable(r io.Reader) (Table, error) {
	buffered := bufio.NewReader(r)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\xef\xbb\xbf" {
		_, _ = buffered.Discard(3) // spreadsheets mark UTF-8 so; the bytes are in the buffer
	}
	lines := csv.NewReader(buffered)
	lines.FieldsPerRecord = -1
	lines.ReuseRecord = true

	if err := readHeader(lines); err != nil {
		return Table{}, err
	}
	var table Table
	var wrong []error
	for len(wrong) < maxTableErrors {
		fields, err := lines.Read()
		if err == io.EOF {
			break
		}
		if err != nil { // nothing after it can be told apart
			wrong = append(wrong, tableError(err))
			break
		}
		one, err := readCase(lines, fields)
		if err != nil {
			wrong = append(wrong, err)
		}
		table.Cases = append(table.Cases, one)
	}
	if len(wrong) > 0 {
		return Table{}, errors.Join(wrong...)
	}
	return table, nil
}

func readHeader(lines *csv.Reader) error {
	want := strings.Join(caseColumns[:], ",")
	fields, err := lines.Read()
	if err == io.EOF {
		return &TableError{1, 1, "the table is empty", "begin with the header " + want}
	}
	if err != nil {
		return tableError(err)
	}
	if strings.Contains(fields[0], ";") {
		return wrongField(lines, 0, "the columns are separated by semicolons", "separate them by commas: "+want)
	}
	for i, name := range caseColumns {
		if i >= len(fields) {
			return wrongField(lines, i-1, "the header ends before "+name, "begin it with "+want)
		}
		if strings.TrimSpace(fields[i]) != name {
			return wrongField(lines, i, fmt.Sprintf("the header has %s where %s belongs", quote(fields[i]), name),
				"begin it with "+want)
		}
	}
	return nil
}

// readCase reads one line; its error is the first *TableError in it.
func readCase(lines *csv.Reader, fields []string) (Case, error) {
	if n := len(fields); n < len(caseColumns) {
		return Case{}, wrongField(lines, n-1, "the line ends before "+caseColumns[n],
			"give "+strings.Join(caseColumns[:], ", "))
	}
	line, _ := lines.FieldPos(0)
	at, handled, mediated := strings.TrimSpace(fields[0]), strings.TrimSpace(fields[1]), strings.TrimSpace(fields[2])
	one := Case{Line: line, Facts: Facts{ServiceAnswered: true}, answeredAt: at, mediated: mediated}
	var ok bool
	if one.Facts.AnsweredAt, ok = parseInstant(at); !ok {
		return Case{}, wrongField(lines, 0, "answered_at "+quote(at)+" is not an instant",
			"write date, time and offset, such as 2026-11-23T07:00:00.000+01:00")
	}
	if one.Facts.Handled, ok = parseMilliseconds(handled); !ok {
		return Case{}, wrongField(lines, 1, "handled_ms "+quote(handled)+" is not a number of milliseconds",
			"write milliseconds with at most six decimals, such as 45000 or 44999.999999")
	}
	if one.Facts.Mediated, ok = parseMediated(mediated); !ok {
		return Case{}, wrongField(lines, 2, "mediated "+quote(mediated)+" is no choice",
			"write true or false, or none, direct or announced")
	}
	return one, nil
}

// Write completes the table by plan p and writes it as CSV with the columns
// answered_at, handled_ms, mediated, tariff, period and amount_ore. The first and
// third are written as they were read, handled_ms as it was rated: rounded up to
// whole milliseconds. What it writes reads, and rates, the same again.
func (t Table) Write(w io.Writer, p Plan) error {
	lines := csv.NewWriter(w)
	if err := lines.Write(ratedColumns); err != nil {
		return fmt.Errorf("write rated table: %w", err)
	}
	for _, one := range t.Cases {
		row, rated := p.Rate(one.Facts)
		line := []string{
			cmp.Or(one.answeredAt, one.Facts.AnsweredAt.Format(time.RFC3339Nano)), // as text where the case was not read
			strconv.FormatInt(CeilMS(one.Facts.Handled), 10),
			cmp.Or(one.mediated, one.Facts.Mediated.String()),
			"", "", "",
		}
		if rated {
			line[3], line[4], line[5] = row.Tariff.String(), row.Period.String(), strconv.FormatInt(row.AmountOre, 10)
		}
		if err := lines.Write(line); err != nil {
			return fmt.Errorf("write rated table: %w", err)
		}
	}
	if lines.Flush(); lines.Error() != nil {
		return fmt.Errorf("write rated table: %w", lines.Error())
	}
	return nil
}

// parseInstant reads RFC 3339, section 5.6, where time.Parse also takes hours of
// one digit and decimals after a comma.
func parseInstant(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || s[len("2006-01-02T15")] != ':' || strings.Contains(s, ",") {
		return time.Time{}, false
	}
	return t, true
}

// parseMediated reads the column mediated. "true" says no more than that the
// caller was connected, and is taken as direct: under a plan that counts announced
// connections only, it has to be written out.
func parseMediated(s string) (Mediated, bool) {
	switch s {
	case "false":
		return NotMediated, true
	case "true":
		return Direct, true
	}
	var m Mediated
	err := m.UnmarshalText([]byte(s))
	return m, err == nil
}

// parseMilliseconds reads digits with up to six decimals, without sign, exponent
// or float arithmetic, up to what a time.Duration holds when rounded up.
func parseMilliseconds(s string) (time.Duration, bool) {
	whole, decimals, dotted := strings.Cut(s, ".")
	if whole == "" || len(decimals) > 6 || dotted && decimals == "" || strings.Trim(whole+decimals, "0123456789") != "" {
		return 0, false
	}
	ms, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || ms >= int64((1<<63-1)/time.Millisecond) {
		return 0, false
	}
	ns, err := strconv.ParseInt((decimals + "000000")[:6], 10, 64)
	return time.Duration(ms)*time.Millisecond + time.Duration(ns), err == nil
}

// wrongField returns the error of the i-th field of the line last read.
func wrongField(lines *csv.Reader, i int, wrong, write string) error {
	line, column := lines.FieldPos(i)
	return &TableError{line, column, wrong, write}
}

// tableError turns an error of the CSV reader into one of the table; errors of the
// underlying reader are wrapped.
func tableError(err error) error {
	var syntax *csv.ParseError
	if errors.As(err, &syntax) {
		return &TableError{syntax.Line, syntax.Column, "this is not CSV, " + syntax.Err.Error(),
			`put quotation marks around the whole field only, and double those inside it`}
	}
	return fmt.Errorf("read table of cases: %w", err)
}

// quote shows a value as it was found, cut where it is long.
func quote(s string) string {
	if len(s) > 40 {
		return strconv.Quote(s[:40]) + "…"
	}
	return strconv.Quote(s)
}
