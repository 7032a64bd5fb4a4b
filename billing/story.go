package billing

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"telefonist/calendar"
	"telefonist/record"
	"telefonist/tariff"
)

// WriteStory prints one call for a person: what it was, what happened line by line with the time since it arrived and that of
// the clock, and what it is charged.
func WriteStory(w io.Writer, r record.Record) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(tw, "%s\t%s\n", name, value)
		}
	}
	field("call", string(r.Call))
	field("tenant", r.Tenant+" "+r.Number)
	field("common number", r.CommonNumber)
	field("caller", strings.TrimSpace(r.Parties.Caller+" "+r.Parties.CallerName))
	field("agents", strings.Join(r.Parties.Agents, ", "))
	field("received", local(r.Received))
	field("answered", local(r.Answered))
	field("ended", local(r.Ended))
	field("waited", (time.Duration(r.WaitedMS) * time.Millisecond).String())
	if r.Row != nil {
		field("handled", (time.Duration(r.HandledMS) * time.Millisecond).String())
	}
	if r.Outcome == "" {
		field("outcome", "under way")
	} else {
		field("outcome", string(r.Outcome)+" ("+string(r.Cause)+")")
	}
	if r.Mediated != "" {
		field("mediated", strings.TrimSpace(r.Mediated+" "+r.Parties.Target))
	}
	if r.Row != nil {
		field("tariff", fmt.Sprintf("%s (%s), %s by plan %s", r.Row.Tariff, r.Row.Period, tariff.Kronor(r.Row.AmountOre), r.Row.Plan))
	} else {
		field("tariff", "none: no receptionist of the service answered")
	}
	field("SIP Call-ID", r.Parties.SIPCall)
	for _, m := range r.Media {
		field("audio "+m.Role, audio(m))
	}
	fmt.Fprintln(tw)
	for _, e := range r.Story {
		fmt.Fprintf(tw, "%10.3fs\t%s\t%s\t%s\n", e.Since.Seconds(), clock(e.Wall), e.Kind, detail(e))
	}
	return tw.Flush()
}

// audio is one line about a leg: what was spoken, how well it was heard here and, where that is known, there.
func audio(m record.Media) string {
	text := m.Codec
	if m.Converted {
		text += ", converted"
	} else {
		text += ", as it came"
	}
	if m.Protection != "" {
		text += ", SRTP " + m.Protection
	}
	if m.MOS > 0 {
		text += fmt.Sprintf("; heard %.2f %% lost, jitter %.1f ms, MOS %.1f", m.LossPercent, m.JitterMS, m.MOS)
	}
	if m.FarMOS > 0 {
		text += fmt.Sprintf("; far side %.2f %% lost, jitter %.1f ms, MOS %.1f", m.FarLossPercent, m.FarJitterMS, m.FarMOS)
	}
	if m.RoundTripMS > 0 {
		text += fmt.Sprintf("; round trip %.1f ms", m.RoundTripMS)
	}
	return text
}

// clock is the time of day in Sweden.
func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(calendar.Stockholm()).Format("15:04:05.000")
}
