package directory

import (
	"fmt"
	"slices"
	"strings"
)

// Person is somebody whom callers ask for.
type Person struct {
	ExternalID string   `json:"external_id,omitempty" maxLength:"200" doc:"The person's key in the tenant's own system"`
	GivenName  string   `json:"given_name,omitempty" maxLength:"100"`
	FamilyName string   `json:"family_name,omitempty" maxLength:"100"`
	Title      string   `json:"title,omitempty" maxLength:"200"`
	Department string   `json:"department,omitempty" maxLength:"200"`
	Office     string   `json:"office,omitempty" maxLength:"200" doc:"Id of an office, or its name"`
	Numbers    []Phone  `json:"numbers,omitempty" maxItems:"20" doc:"In the order of preference"`
	Email      string   `json:"email,omitempty" maxLength:"254"`
	SMS        string   `json:"sms,omitempty" maxLength:"64" doc:"Number that text messages go to"`
	Languages  []string `json:"languages,omitempty" maxItems:"20"`
	Keywords   []string `json:"keywords,omitempty" maxItems:"100" doc:"What the person is asked for: fakturor, Visma, leverantör"`
	// Responsibilities are what the person answers for, per common number.
	Responsibilities []Responsibility `json:"responsibilities,omitempty" maxItems:"50"`
	Substitutes      []string         `json:"substitutes,omitempty" maxItems:"20" doc:"Ids of the people to ask instead, in order"`
	Notes            string           `json:"notes,omitempty" maxLength:"4000"`
	PhotoURL         string           `json:"photo_url,omitempty" maxLength:"2000"`
}

// Phone is one of a person's numbers.
type Phone struct {
	Kind   PhoneKind `json:"kind" enum:"extension,direct,mobile,other"`
	Number string    `json:"number" maxLength:"64" doc:"E.164, or an extension of the tenant"`
	Hidden bool      `json:"hidden,omitempty" doc:"May be used to connect a call but is not told to callers"`
}

// PhoneKind says what a number is.
type PhoneKind string

// The kinds of numbers.
const (
	PhoneExtension PhoneKind = "extension"
	PhoneDirect    PhoneKind = "direct"
	PhoneMobile    PhoneKind = "mobile"
	PhoneOther     PhoneKind = "other"
)

var phoneKinds = []PhoneKind{PhoneExtension, PhoneDirect, PhoneMobile, PhoneOther}

// Responsibility is what a person answers for, at one common number or (empty) at all.
type Responsibility struct {
	Common string `json:"common,omitempty" maxLength:"64"`
	What   string `json:"what" minLength:"1" maxLength:"200"`
}

// Name is the person's whole name.
func (p Person) Name() string { return strings.TrimSpace(p.GivenName + " " + p.FamilyName) }

// Told are the numbers that callers may be told, in the order of preference.
func (p Person) Told() []Phone {
	return slices.DeleteFunc(slices.Clone(p.Numbers), func(n Phone) bool { return n.Hidden })
}

// Normalize brings the person into their one form (numbers as E.164, lists without repetitions) and returns what is wrong.
// What it returns unchanged normalizes to itself.
func (p *Person) Normalize(region string) Problems {
	var bad Problems
	for _, f := range []struct {
		name  string
		value *string
		max   int
		lines bool
	}{
		{"external_id", &p.ExternalID, 200, false}, {"given_name", &p.GivenName, 100, false},
		{"family_name", &p.FamilyName, 100, false}, {"title", &p.Title, 200, false},
		{"department", &p.Department, 200, false}, {"office", &p.Office, 200, false},
		{"notes", &p.Notes, 4000, true}, {"photo_url", &p.PhotoURL, 2000, false},
	} {
		bad.text(f.name, f.value, f.max, false, f.lines)
	}
	if p.GivenName == "" && p.FamilyName == "" {
		bad.add("family_name", "there is no name", "write given_name, family_name or both")
	}
	if p.PhotoURL != "" && !strings.HasPrefix(p.PhotoURL, "https://") {
		bad.add("photo_url", "is no https address", "write it as https://…")
	}
	p.normalizeNumbers(region, &bad)
	bad.mail("email", &p.Email)
	bad.phone("sms", &p.SMS, region, false)
	bad.list("languages", &p.Languages, 20, 50)
	bad.list("keywords", &p.Keywords, 100, 100)
	bad.list("substitutes", &p.Substitutes, 20, 100)
	p.normalizeResponsibilities(region, &bad)
	return bad
}

func (p *Person) normalizeNumbers(region string, bad *Problems) {
	seen := map[string]bool{}
	var out []Phone
	for i, n := range p.Numbers {
		at := fmt.Sprintf("numbers[%d]", i)
		n.Number = strings.TrimSpace(n.Number)
		if !slices.Contains(phoneKinds, n.Kind) {
			bad.add(at+".kind", fmt.Sprintf("%q is no kind of number", n.Kind), "write extension, direct, mobile or other")
		}
		if n.Number == "" {
			bad.add(at+".number", "is empty", "write it, or leave the entry out")
		}
		bad.phone(at+".number", &n.Number, region, true)
		if n.Kind == PhoneExtension && n.Number != "" && !IsExtension(n.Number) {
			bad.add(at+".number", fmt.Sprintf("%q is no extension", n.Number), "write 2 to 5 digits, or another kind")
		}
		if !seen[n.Number] {
			seen[n.Number] = true
			out = append(out, n)
		}
	}
	if len(out) > 20 {
		bad.add("numbers", "has more than 20 entries", "take some out")
	}
	p.Numbers = out
}

func (p *Person) normalizeResponsibilities(region string, bad *Problems) {
	for i := range p.Responsibilities {
		r, at := &p.Responsibilities[i], fmt.Sprintf("responsibilities[%d]", i)
		bad.phone(at+".common", &r.Common, region, false)
		bad.text(at+".what", &r.What, 200, true, false)
		if strings.Contains(r.What, "|") {
			bad.add(at+".what", "holds a bar", "take it out")
		}
	}
	if len(p.Responsibilities) > 50 {
		bad.add("responsibilities", "has more than 50 entries", "take some out")
	}
}

// Key is something that a person can be found by exactly.
type Key string

// ExternalKey is that of an external id, which only one person of a tenant can have.
func ExternalKey(id string) Key { return Key("x" + id) }

// MailKey is that of an e-mail address.
func MailKey(address string) Key { return Key("m" + strings.ToLower(address)) }

// NumberKey is that of a number as Normalize writes it.
func NumberKey(number string) Key { return Key("n" + number) }

// NameKey is that of a whole name.
func NameKey(name string) Key {
	return Key("w" + strings.ToLower(strings.Join(strings.Fields(name), " ")))
}

// Unique tells whether only one person can have the key.
func (k Key) Unique() bool { return strings.HasPrefix(string(k), "x") }

// Keys lists all keys of a normalized person, without repetitions.
func (p Person) Keys() []Key {
	keys := []Key{NameKey(p.Name())}
	if p.ExternalID != "" {
		keys = append(keys, ExternalKey(p.ExternalID))
	}
	if p.Email != "" {
		keys = append(keys, MailKey(p.Email))
	}
	for _, n := range append([]Phone{{Number: p.SMS}}, p.Numbers...) {
		if k := NumberKey(n.Number); n.Number != "" && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys
}
