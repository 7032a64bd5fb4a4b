package billing

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"telefonist/calendar"
	"telefonist/record"
)

// Columns are the columns of the export, in their order.
var Columns = []string{"call_id", "tenant", "number", "common_number", "caller", "agent", "received_at", "answered_at",
	"ended_at", "waited_ms", "handled_ms", "outcome", "mediated", "tariff", "period", "over_45s", "amount_ore", "plan",
	"corrects"}

// timeFormat is RFC 3339 with milliseconds and offset.
const timeFormat = "2006-01-02T15:04:05.000Z07:00"

// Line is one call of the export. Text fields are empty, and numbers nil, where no receptionist of the service answered.
type Line struct {
	CallID       string `json:"call_id"`
	Tenant       string `json:"tenant"`
	Number       string `json:"number"`
	CommonNumber string `json:"common_number"`
	Caller       string `json:"caller"`
	Agent        string `json:"agent"`
	ReceivedAt   string `json:"received_at"`
	AnsweredAt   string `json:"answered_at"`
	EndedAt      string `json:"ended_at"`
	WaitedMS     int64  `json:"waited_ms"`
	HandledMS    int64  `json:"handled_ms"`
	Outcome      string `json:"outcome"`
	Mediated     bool   `json:"mediated"`
	Tariff       string `json:"tariff"`
	Period       string `json:"period"`
	Over45s      *bool  `json:"over_45s"`
	AmountOre    *int64 `json:"amount_ore"`
	Plan         string `json:"plan"`
	Corrects     string `json:"corrects"`
}

// LineOf is the export's view of a record. Times are in Europe/Stockholm.
func LineOf(r record.Record) Line {
	l := Line{
		CallID: string(r.Call), Tenant: r.Tenant, Number: r.Number, CommonNumber: r.CommonNumber, Caller: r.Parties.Caller,
		Agent: r.Parties.Agent, ReceivedAt: local(r.Received), AnsweredAt: local(r.Answered), EndedAt: local(r.Ended),
		WaitedMS: r.WaitedMS, HandledMS: r.HandledMS, Outcome: string(r.Outcome), Mediated: r.Mediated != "",
		Corrects: string(r.Corrects),
	}
	if row := r.Row; row != nil {
		l.Tariff, l.Period, l.Plan = row.Tariff.String(), row.Period.String(), row.Plan
		l.Over45s, l.AmountOre = &row.Over45, &row.AmountOre
	}
	return l
}

func local(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(calendar.Stockholm()).Format(timeFormat)
}

func (l Line) fields() []string {
	over, amount := "", ""
	if l.Over45s != nil {
		over, amount = strconv.FormatBool(*l.Over45s), strconv.FormatInt(*l.AmountOre, 10)
	}
	return []string{l.CallID, safe(l.Tenant), l.Number, l.CommonNumber, safe(l.Caller), safe(l.Agent), l.ReceivedAt,
		l.AnsweredAt, l.EndedAt, strconv.FormatInt(l.WaitedMS, 10), strconv.FormatInt(l.HandledMS, 10), l.Outcome,
		strconv.FormatBool(l.Mediated), l.Tariff, l.Period, over, amount, safe(l.Plan), l.Corrects}
}

// safe keeps a spreadsheet from taking a caller's text for a formula: an apostrophe is put before it. Telephone numbers
// ("+468…") stay as they are.
func safe(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return s
	}
	if s[0] == '+' && len(s) > 1 && strings.Trim(s[1:], "0123456789") == "" {
		return s
	}
	return "'" + s
}

// Exporter writes calls one by one, so that an export needs no more memory than one call.
type Exporter interface {
	Write(record.Record) error
	// Close ends the document. It does not close the writer beneath.
	Close() error
}

// Formats lists the formats that NewExporter knows.
var Formats = []string{"csv", "json"}

// NewExporter makes the exporter of a format.
func NewExporter(format string, w io.Writer) (Exporter, error) {
	switch format {
	case "csv":
		return &csvExporter{w: csv.NewWriter(w)}, nil
	case "json":
		return &jsonExporter{w: w}, nil
	default:
		return nil, fmt.Errorf("export format %q is not known: write %s", format, strings.Join(Formats, " or "))
	}
}

type csvExporter struct {
	w      *csv.Writer
	headed bool
}

func (e *csvExporter) head() error {
	if e.headed {
		return nil
	}
	e.headed = true
	return e.w.Write(Columns)
}

func (e *csvExporter) Write(r record.Record) error {
	if err := e.head(); err != nil {
		return err
	}
	return e.w.Write(LineOf(r).fields())
}

func (e *csvExporter) Close() error {
	if err := e.head(); err != nil {
		return err
	}
	e.w.Flush()
	return e.w.Error()
}

// jsonExporter writes one array of objects, one object a line.
type jsonExporter struct {
	w     io.Writer
	wrote bool
}

func (e *jsonExporter) Write(r record.Record) error {
	line, err := json.Marshal(LineOf(r))
	if err != nil {
		return fmt.Errorf("export call %s: %w", r.Call, err)
	}
	before := ",\n"
	if !e.wrote {
		before, e.wrote = "[\n", true
	}
	_, err = fmt.Fprintf(e.w, "%s%s", before, line)
	return err
}

func (e *jsonExporter) Close() error {
	end := "\n]\n"
	if !e.wrote {
		end = "[]\n"
	}
	_, err := io.WriteString(e.w, end)
	return err
}
