package tariff

import (
	"bytes"
	"encoding/csv"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	_ "time/tzdata" // the same answers on a machine without a zone database

	"telefonist/calendar"
)

// variants are the plans that the column plan of cases-extended.csv names.
func variants() map[string]Plan {
	change := func(f func(*Plan)) Plan {
		p := DefaultPlan()
		f(&p)
		return p
	}
	whole := []calendar.Window{{From: 0, To: calendar.EndOfDay}}
	return map[string]Plan{
		"default":          DefaultPlan(),
		"add":              change(func(p *Plan) { p.Mediation = Add }),
		"announced":        change(func(p *Plan) { p.MediatedBy = ByAnnounced }),
		"customer_service": change(func(p *Plan) { p.LongCalls = CustomerServiceOnly }),
		"no_eves":          change(func(p *Plan) { p.EvesAreHolidays = false }),
		"extra":            change(func(p *Plan) { p.ExtraHolidays = []calendar.Date{{Year: 2027, Month: 5, Day: 7}} }),
		"holiday_10_14": change(func(p *Plan) {
			p.Periods.Holidays = []calendar.Window{{From: calendar.At(10, 0), To: calendar.At(14, 0)}}
		}),
		"saturday_9_13": change(func(p *Plan) {
			p.Periods.Saturday = []calendar.Window{{From: calendar.At(9, 0), To: calendar.At(13, 0)}}
		}),
		"always_day": change(func(p *Plan) {
			p.Periods = calendar.Periods{Monday: whole, Tuesday: whole, Wednesday: whole, Thursday: whole,
				Friday: whole, Saturday: whole, Sunday: whole, Holidays: whole}
		}),
	}
}

func readGolden(t *testing.T, name string) (raw []byte, lines []map[string]string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "testdata", "tariff", name))
	if err != nil {
		t.Fatal(err)
	}
	all, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, fields := range all[1:] {
		line := map[string]string{}
		for i, name := range all[0] {
			line[name] = fields[i]
		}
		lines = append(lines, line)
	}
	return raw, lines
}

func TestEveryGoldenCaseIsRatedAsWritten(t *testing.T) {
	plans := variants()
	for _, file := range []string{"cases.csv", "cases-extended.csv"} {
		raw, lines := readGolden(t, file)
		table, err := ReadTable(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(table.Cases) != len(lines) || len(lines) < 100 {
			t.Fatalf("%s: %d cases read of %d", file, len(table.Cases), len(lines))
		}
		for i, one := range table.Cases {
			want := lines[i]
			name := want["plan"]
			if name == "" {
				name = "default"
			}
			plan, ok := plans[name]
			if !ok {
				t.Fatalf("%s:%d: no plan %q", file, one.Line, name)
			}
			one.Facts.CustomerService = want["customer_service"] == "true"
			row, _ := plan.Rate(one.Facts)
			got := map[string]string{
				"tariff": row.Tariff.String(), "period": row.Period.String(),
				"amount_ore": strconv.FormatInt(row.AmountOre, 10), "over_45s": strconv.FormatBool(row.Over45),
			}
			for column, value := range got {
				if w, written := want[column]; written && value != w {
					t.Errorf("%s:%d: %s = %s, want %s (%v)", file, one.Line, column, value, w, want)
				}
			}
		}
	}
}

func TestTheGoldenTableIsCompletedInItsOwnForm(t *testing.T) {
	raw, lines := readGolden(t, "cases.csv")
	table, err := ReadTable(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := table.Write(&out, DefaultPlan()); err != nil {
		t.Fatal(err)
	}
	printed := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if printed[0] != "answered_at,handled_ms,mediated,tariff,period,amount_ore" {
		t.Errorf("header %q", printed[0])
	}
	if len(printed) != len(lines)+1 {
		t.Fatalf("%d lines printed, want %d", len(printed), len(lines)+1)
	}
	for i, l := range lines {
		want := strings.Join([]string{l["answered_at"], l["handled_ms"], l["mediated"], l["tariff"], l["period"]}, ",") + ","
		if !strings.HasPrefix(printed[i+1], want) {
			t.Errorf("line %d printed %q, want %q and the amount", i+2, printed[i+1], want)
		}
	}
}
