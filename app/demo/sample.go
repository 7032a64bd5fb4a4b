package demo

import (
	"bytes"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"text/template"
	"time"

	"telefonist/tariff"
)

//go:embed sample/telefonist.yaml sample/tenants.yaml sample/directory.json
var sample embed.FS

// Item is something of a sample company's directory: what follows the tenant in its path of the API, and its document.
type Item struct {
	Tenant string          `json:"tenant"`
	Path   string          `json:"path"`
	Doc    json.RawMessage `json:"doc"`
}

// Directory is how the sample companies want to be answered and whom callers ask for, each behind what it refers to.
func Directory() ([]Item, error) {
	text, err := sample.ReadFile("sample/directory.json")
	if err != nil {
		return nil, err
	}
	var all []Item
	return all, json.Unmarshal(text, &all)
}

// Limits are the marks of handling time that the demonstration runs at.
type Limits struct {
	Included time.Duration // what an answered call includes: 45 s in earnest
	Long     time.Duration // after this a call is long: 2 min in earnest
}

// DefaultLimits show everything within a minute.
var DefaultLimits = Limits{4 * time.Second, 10 * time.Second}

// String prints the limits as ParseLimits reads them.
func (l Limits) String() string {
	return tariff.Duration(l.Included).String() + "," + tariff.Duration(l.Long).String()
}

// ParseLimits reads "4s,10s": included handling and long handling. Included is at least 2 s, since the calls of the
// script must be told apart by it.
func ParseLimits(s string) (Limits, error) {
	first, second, found := strings.Cut(s, ",")
	included, err1 := time.ParseDuration(strings.TrimSpace(first))
	long, err2 := time.ParseDuration(strings.TrimSpace(second))
	if !found || err1 != nil || err2 != nil {
		return Limits{}, fmt.Errorf("%q is not a pair of limits: write included and long handling, such as 4s,10s", s)
	}
	l := Limits{included, long}
	return l, l.check()
}

func (l Limits) check() error {
	switch {
	case l.Included < 2*time.Second:
		return fmt.Errorf("included handling of %v is too short for a conversation: write at least 2s", l.Included)
	case l.Long < 2*l.Included:
		return fmt.Errorf("long handling of %v is too near to %v: write at least twice as much", l.Long, l.Included)
	case l.Included%time.Millisecond != 0 || l.Long%time.Millisecond != 0:
		return errors.New("limits are whole milliseconds: write such as 4s,10s")
	}
	return nil
}

// unit is the beat of the script: everything in a conversation takes a number of units.
func (l Limits) unit() time.Duration { return l.Included / 10 }

// Agent is a receptionist of the demonstration as her softphone knows her.
type Agent struct {
	ID, Name, Extension, Password string
}

// roster are the receptionists of sample/tenants.yaml.
var roster = []Agent{
	{ID: "anna", Name: "Anna Ek", Extension: "101"},
	{ID: "bosse", Name: "Bosse Lind", Extension: "102"},
	{ID: "carin", Name: "Carin Berg", Extension: "103"},
	{ID: "david", Name: "David Holm", Extension: "104"},
}

// NewAgents returns the receptionists of the sample with fresh random passwords.
func NewAgents() []Agent {
	agents := make([]Agent, len(roster))
	for i, a := range roster {
		a.Password = rand.Text()
		agents[i] = a
	}
	return agents
}

// Company is the sample company that has a receptionist of its own, so that its page has a switch.
const Company = "nordbygg"

// absent is a company's own receptionist, for whom the service answers: nobody plays his phone.
const absent = "nils"

// Setup is what the sample configuration leaves open.
type Setup struct {
	SIP    netip.AddrPort // where the server takes SIP, UDP and TCP
	Web    netip.AddrPort
	Store  string // folder
	Ports  string // RTP ports; default 20000-20999
	PBX    netip.AddrPort
	Limits Limits // default DefaultLimits
	Agents []Agent
}

// Files returns the configuration and the provisioning file that it names, tenants.yaml.
func (s Setup) Files() (main, tenants []byte, err error) {
	if s.Limits == (Limits{}) {
		s.Limits = DefaultLimits
	}
	if err := s.Limits.check(); err != nil {
		return nil, nil, err
	}
	if s.Ports == "" {
		s.Ports = "20000-20999"
	}
	passwords := map[string]string{absent: rand.Text()}
	for _, a := range s.Agents {
		passwords[a.ID] = a.Password
	}
	unit := s.Limits.unit()
	data := map[string]any{
		"SIP": s.SIP, "Media": s.SIP.Addr(), "Ports": s.Ports, "Web": s.Web, "Store": escape(s.Store), "PBX": s.PBX,
		"Included": tariff.Duration(s.Limits.Included), "Long": tariff.Duration(s.Limits.Long),
		"Warn":        tariff.Duration((s.Limits.Included * 3 / 4).Truncate(time.Millisecond)),
		"RingTimeout": max(time.Second, 8*unit), "RecallAfter": max(time.Second, 10*unit),
		"WrapUp": 2 * unit, "RetryAfter": 60 * unit, "Passwords": passwords,
	}
	if main, err = fill("sample/telefonist.yaml", data); err != nil {
		return nil, nil, err
	}
	tenants, err = fill("sample/tenants.yaml", data)
	return main, tenants, err
}

func fill(name string, data any) ([]byte, error) {
	t, err := template.New(strings.TrimPrefix(name, "sample/")).Option("missingkey=error").ParseFS(sample, name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return nil, fmt.Errorf("fill %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// escape prepares a text for the inside of a double-quoted YAML scalar, which escapes as JSON does.
func escape(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // a string always can be
		return s
	}
	return string(b[1 : len(b)-1])
}
