package tariff

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const header = "answered_at,handled_ms,mediated\n"

func TestTableReadsWhatSpreadsheetsAndOurselvesWrite(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain":        {header + "2026-11-23T07:00:00Z,45000,true\n", "2026-11-23T07:00:00Z,45000,true,2,day,2500\n"},
		"byte mark":    {"\ufeff" + header + "2026-11-23T07:00:00Z,1,false\n", "2026-11-23T07:00:00Z,1,false,1,day,1500\n"},
		"CRLF":         {"answered_at,handled_ms,mediated\r\n2026-11-23T07:00:00Z,1,none\r\n", "2026-11-23T07:00:00Z,1,none,1,day,1500\n"},
		"spaces":       {header + " 2026-11-23T07:00:00Z , 1 , announced \n", "2026-11-23T07:00:00Z,1,announced,2,day,2500\n"},
		"extra":        {"answered_at,handled_ms,mediated,x\n2026-11-23T07:00:00Z,1,direct,\"a,b\",c\n", "2026-11-23T07:00:00Z,1,direct,2,day,2500\n"},
		"nanoseconds":  {header + "2026-11-23T07:00:00Z,120000.000001,true\n", "2026-11-23T07:00:00Z,120001,true,5,day,4500\n"},
		"header alone": {header, ""},
		"no newline":   {header + "2026-11-23T07:00:00Z,1,false", "2026-11-23T07:00:00Z,1,false,1,day,1500\n"},
	} {
		table, err := ReadTable(strings.NewReader(c.in))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var out bytes.Buffer
		if err := table.Write(&out, DefaultPlan()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if want := "answered_at,handled_ms,mediated,tariff,period,amount_ore\n" + c.want; out.String() != want {
			t.Errorf("%s: printed\n%s, want\n%s", name, out.String(), want)
		}
	}
}

func TestTableErrorsNameThePlaceAndTheRemedy(t *testing.T) {
	const at = "2026-11-23T07:00:00Z"
	for name, c := range map[string]struct {
		in           string
		line, column int
		says         string
	}{
		"empty":           {"", 1, 1, "begin with the header answered_at,handled_ms,mediated"},
		"no header":       {at + ",1,false\n", 1, 1, "where answered_at belongs"},
		"short header":    {"answered_at,handled_ms\n", 1, 13, "the header ends before mediated"},
		"other order":     {"answered_at,mediated,handled_ms\n", 1, 13, "where handled_ms belongs"},
		"semicolons":      {"answered_at;handled_ms;mediated\n", 1, 1, "separated by semicolons"},
		"short line":      {header + at + ",1\n", 2, 22, "the line ends before mediated"},
		"no offset":       {header + at[:19] + ",1,false\n", 2, 1, "date, time and offset"},
		"no such day":     {header + "2026-02-30T07:00:00Z,1,false\n", 2, 1, "is not an instant"},
		"lenient hour":    {header + "2026-11-23T7:00:00Z,1,false\n", 2, 1, "is not an instant"},
		"comma":           {header + "\"2026-11-23T07:00:00,5Z\",1,false\n", 2, 1, "is not an instant"},
		"negative":        {header + at + ",-1,false\n", 2, 22, "write milliseconds"},
		"plus":            {header + at + ",+1,false\n", 2, 22, "write milliseconds"},
		"exponent":        {header + at + ",1e3,false\n", 2, 22, "write milliseconds"},
		"no milliseconds": {header + at + ",,false\n", 2, 22, "write milliseconds"},
		"dot alone":       {header + at + ",1.,false\n", 2, 22, "write milliseconds"},
		"picoseconds":     {header + at + ",1.0000001,false\n", 2, 22, "write milliseconds"},
		"too long":        {header + at + ",9223372036854,false\n", 2, 22, "write milliseconds"},
		"maybe":           {header + at + ",1,maybe\n", 2, 24, "write true or false"},
		"after good":      {header + at + ",1,true\n\n" + at + ",x,true\n", 4, 22, "write milliseconds"},
		"bare quote":      {header + at + ",1\"2,true\n", 2, 23, "quotation marks"},
		"open quote":      {header + at + ",\"1,true\n", 2, 30, "quotation marks"},
	} {
		table, err := ReadTable(strings.NewReader(c.in))
		var got *TableError
		if !errors.As(err, &got) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		if got.Line != c.line || got.Column != c.column || !strings.Contains(got.Error(), c.says) || len(table.Cases) != 0 {
			t.Errorf("%s: %v, want line %d, column %d, %q", name, got, c.line, c.column, c.says)
		}
	}
}

func TestTableReportsSeveralErrorsAtOnceAndThenGivesUp(t *testing.T) {
	_, err := ReadTable(strings.NewReader(header + strings.Repeat("x,1,true\n", 100)))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != maxTableErrors || !strings.HasPrefix(lines[19], "line 21, column 1: ") {
		t.Errorf("%d errors, the last %q", len(lines), lines[len(lines)-1])
	}
}

func TestTablePassesOnErrorsOfReaderAndWriter(t *testing.T) {
	broken := errors.New("disk gone")
	for _, before := range []string{"", header, header + "2026-11-23T07:00:00Z,1,true\n"} {
		r := io.MultiReader(strings.NewReader(before), iotest.ErrReader(broken))
		if _, err := ReadTable(r); !errors.Is(err, broken) {
			t.Errorf("after %q: %v", before, err)
		}
	}
	table := Table{Cases: make([]Case, 1000)}
	if err := table.Write(failing{broken}, DefaultPlan()); !errors.Is(err, broken) {
		t.Errorf("writing: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestCasesThatWereNotReadArePrintedInFull(t *testing.T) {
	at := time.Date(2026, 11, 23, 7, 0, 0, 1, time.UTC)
	table := Table{Cases: []Case{{Facts: Facts{AnsweredAt: at, Handled: 1, Mediated: Announced}}}}
	var out strings.Builder
	if err := table.Write(&out, DefaultPlan()); err != nil {
		t.Fatal(err)
	}
	if _, line, _ := strings.Cut(out.String(), "\n"); line != "2026-11-23T07:00:00.000000001Z,1,announced,,,\n" {
		t.Errorf("printed %q", line)
	}
}

func FuzzTable(f *testing.F) {
	f.Add(header + "2026-11-23T06:59:59.999+01:00,45000,false\n")
	f.Add("\ufeff" + header + "2026-03-29T01:00:00Z,120000.000001,announced,x\r\n")
	f.Add("answered_at;handled_ms;mediated\n")
	f.Add(header + "\"2026-11-23T06:59:59Z\",\" 1\",true\n\n2026-11-23T06:59:59Z,x\n")
	f.Fuzz(func(t *testing.T, in string) {
		table, err := ReadTable(strings.NewReader(in))
		if err != nil {
			if len(table.Cases) != 0 {
				t.Error("an error and cases")
			}
			return
		}
		plan := DefaultPlan()
		plan.Mediation = Add
		var first, second bytes.Buffer
		if err := table.Write(&first, plan); err != nil {
			t.Fatal(err)
		}
		again, err := ReadTable(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatalf("what was printed does not read: %v\n%s", err, first.String())
		}
		if err := again.Write(&second, plan); err != nil || first.String() != second.String() {
			t.Fatalf("printed\n%s, then\n%s (%v)", first.String(), second.String(), err)
		}
	})
}
