package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/tariff"
)

// LevelSpec is a set of the service's agents that a tenant's calls are offered to, from some time of waiting on.
type LevelSpec struct {
	Groups []ID            `yaml:"groups" json:"groups,omitempty"`
	After  tariff.Duration `yaml:"after" json:"after,omitempty" max:"1h"`
	When   int             `yaml:"when" json:"when,omitempty" max:"1000"`
}

// Caller is a caller in a list: a number, an extension, the beginning of numbers ("+4690*"), or anonymous.
type Caller string

// UnmarshalText reads one.
func (c *Caller) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if strings.EqualFold(s, string(directory.Anonymous)) {
		*c = Caller(directory.Anonymous)
		return nil
	}
	if beginning, found := strings.CutSuffix(s, "*"); found {
		var p Prefix
		if beginning == "" {
			return wrong(`"*" means every caller`, "write the beginning of numbers before the asterisk, as \"+4690*\"")
		}
		if err := p.UnmarshalText([]byte(beginning)); err != nil {
			return wrong(fmt.Sprintf("%q is not the beginning of numbers", s), "write a plus sign, the country code and what follows, as \"+4690*\"")
		}
		*c = Caller(p) + "*"
		return nil
	}
	var d Dial
	if err := d.UnmarshalText(text); err != nil {
		problem, fix := split(err)
		return wrong(problem, fix+", as \"+4690*\" for all numbers that begin so, or as anonymous")
	}
	*c = Caller(d)
	return nil
}

// Skill is something that an agent can: a language, "knows:acme".
type Skill string

// UnmarshalText reads 1 to 64 of a-z, 0-9, _, - and :.
func (k *Skill) UnmarshalText(text []byte) error {
	s := string(text)
	if len(s) <= 64 && plainName.MatchString(strings.ReplaceAll(s, ":", "-")) {
		*k = Skill(s)
		return nil
	}
	return wrong(fmt.Sprintf("%q is no skill", s), "write 1 to 64 of a-z, 0-9, _, - and :, such as en or knows:acme")
}

// Digit is a key of a caller's telephone.
type Digit string

// UnmarshalText reads 0 to 9, * or #.
func (k *Digit) UnmarshalText(text []byte) error {
	if len(text) == 1 && strings.Contains("0123456789*#", string(text)) {
		*k = Digit(text)
		return nil
	}
	return wrong(fmt.Sprintf("%q is no key of a telephone", printable(string(text))), "write 0 to 9, or \"*\" or \"#\" in quotes")
}

// QueueKey is what a waiting caller reaches by a key: "wish", "forward" and a number or an extension, or "say" and a prompt.
type QueueKey struct {
	Do call.KeyAction
	To string
}

// UnmarshalText reads it.
func (k *QueueKey) UnmarshalText(text []byte) error {
	do, to, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	to = strings.TrimSpace(to)
	var dial Dial
	switch action := call.KeyAction(do); {
	case action == call.KeyWish && to == "", action == call.KeySay && to != "":
		*k = QueueKey{action, to}
		return nil
	case action == call.KeyForward && to != "":
		if err := dial.UnmarshalText([]byte(to)); err != nil {
			return err
		}
		*k = QueueKey{action, string(dial)}
		return nil
	}
	return wrong(fmt.Sprintf("%q is nothing that a key can do", text), "write wish, forward and a number or extension (\"forward 205\"), or say and a prompt (\"say opening-hours\")")
}

// String prints it as it is written.
func (k QueueKey) String() string { return strings.TrimSpace(string(k.Do) + " " + k.To) }

// MarshalText writes it as String does.
func (k QueueKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalJSON takes it as it was kept.
func (k *QueueKey) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	do, to, _ := strings.Cut(s, " ")
	*k = QueueKey{call.KeyAction(do), to}
	return nil
}

// UnmarshalJSON takes a caller as it was kept.
func (c *Caller) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*string)(c)) }

// UnmarshalJSON takes a skill as it was kept.
func (k *Skill) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, (*string)(k)) }

// DialCode is what an agent dials to have something done: "*11". Empty: it cannot be dialled.
type DialCode string

// UnmarshalText reads an asterisk or a number sign, and 1 to 5 more keys.
func (c *DialCode) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" || len(s) >= 2 && len(s) <= 6 && strings.Contains("*#", s[:1]) && strings.Trim(s, "0123456789*#") == "" {
		*c = DialCode(s)
		return nil
	}
	return wrong(fmt.Sprintf("%q is no code", printable(s)), "write an asterisk or a number sign and 1 to 5 more keys in quotes, such as \"*11\"; or \"\" for none")
}
