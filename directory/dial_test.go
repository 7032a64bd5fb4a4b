package directory

import (
	"errors"
	"strings"
	"testing"

	"telefonist/call"
)

func TestDialledStringsAreExtensionsOrNumbers(t *testing.T) {
	for in, want := range map[string]Dialled{
		"205":           {Extension: "205"},
		"10":            {Extension: "10"},
		"99998":         {Extension: "99998"},
		"1121":          {Extension: "1121"}, // of a series that many companies have: the PBX knows it as one of its own
		"11200":         {Extension: "11200"},
		" 205;user=x ":  {Extension: "205"},
		"08-500 000 01": {Number: "+46850000001"},
		"+46900123456":  {Number: "+46900123456"},
	} {
		if got, err := ParseDialled(in); got != want || err != nil {
			t.Errorf("%q: got %+v, %v; want %+v", in, got, err, want)
		}
	}
	for in, want := range map[string]error{
		"112": ErrEmergency, "90000": ErrEmergency, "911": ErrEmergency, "999": ErrEmergency, "1177": ErrEmergency,
		"11313": ErrEmergency, "11414": ErrEmergency, "112;x=y": ErrEmergency, "tel:112": ErrEmergency,
		"1-12": ErrEmergency, "5": ErrIncomplete, "123456": ErrIncomplete, "118118": ErrIncomplete,
		"0112": ErrIncomplete, "00112": ErrIncomplete, "+46112": ErrIncomplete, "012": ErrIncomplete,
		"": ErrNotANumber, "2O5": ErrNotANumber, "anna": ErrNotANumber, "#31#": ErrNotANumber,
	} {
		if got, err := ParseDialled(in); got != (Dialled{}) || !errors.Is(err, want) {
			t.Errorf("%q: got %+v, %v; want %v", in, got, err, want)
		}
	}
}

func TestAllowedTargets(t *testing.T) {
	const home = "+46850000001"
	for _, c := range []struct {
		number, prefixes string
		want             error
	}{
		// Without prefixes: the home country, ordinary kinds.
		{"+46840000001", "", nil},
		{"+46701234567", "", nil},
		{"+4620123456", "", nil},
		{"+46101234567", "", nil},
		{"+46900123456", "", ErrPremium},
		{"+469391234567", "", ErrPremium},
		{"+46944123456", "", ErrPremium},
		{"+46771123456", "", ErrPremium},
		{"+46118118", "", ErrPremium},
		{"+46751234567", "", ErrPremium},
		{"+4675123456", "", ErrNotANumber},
		{"+4522123456", "", ErrNotAllowed},
		{"+19005550100", "", ErrNotAllowed},
		// Prefixes stand instead of that, and name premium series or leave them out.
		{"+46840000001", "+4522", ErrNotAllowed},
		{"+46840000001", "+468", nil},
		{"+4522123456", "+46 +45", nil},
		{"+46900123456", "+46", ErrPremium},
		{"+46900123456", "+4690", ErrPremium}, // Umeå is 090: no word of 0900
		{"+46900123456", "+46900", nil},
		{"+46900123456", "+46 +46900", nil},
		{"+46118118", "+46118", nil},
		{"+4675123456", "+46", ErrNotANumber},
		{"+4675123456", "+46751", nil},
		{"+19005550100", "+1", ErrPremium},
		{"+19005550100", "+1900", nil},
		{"+979123456789", "+979", nil},
	} {
		if got := Allowed(c.number, home, strings.Fields(c.prefixes)); !errors.Is(got, c.want) {
			t.Errorf("%s with prefixes %q: got %v, want %v", c.number, c.prefixes, got, c.want)
		}
	}
}

func TestTargetLeadsOnlyWhereTheTenantMayCall(t *testing.T) {
	d := sample(t)
	acme, _ := d.Tenant("acme")
	for in, want := range map[string]call.Destination{
		"205":           {Trunk: "pbx", Number: "205"},
		"101":           {Trunk: "pbx", Number: "101"}, // an agent's extension is the tenant's own here
		"08-400 000 09": {Trunk: "pbx", Number: "+46840000009"},
		"0046701234567": {Trunk: "pbx", Number: "+46701234567"},
		"+4684000001":   {Trunk: "pbx", Number: "+4684000001"}, // a common number is the tenant's own affair
	} {
		if got, err := d.Target(&acme, in); got != want || err != nil {
			t.Errorf("%q: got %+v, %v; want %+v", in, got, err, want)
		}
	}
	for in, want := range map[string]error{
		"112": ErrEmergency, "0900-123456": ErrPremium, "+4522123456": ErrNotAllowed, "evil@host": ErrNotANumber,
		"12": nil, "123456": ErrIncomplete, "+46850000001": ErrServiceNumber, "08-500 000 02": ErrServiceNumber,
	} {
		got, err := d.Target(&acme, in)
		if !errors.Is(err, want) || want != nil && got != (call.Destination{}) {
			t.Errorf("%q: got %+v, %v; want %v", in, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "+46850000002") {
			t.Errorf("%q: the whole number is in the error: %v", in, err)
		}
	}
}

func TestPrefixesHoldAWholeCountryCode(t *testing.T) {
	for _, s := range []string{"+46", "+1", "+4670", "+46900", "+979"} {
		if got, err := ParsePrefix(s); got != s || err != nil {
			t.Errorf("%q: got %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "+", "+4", "46", "0046", "08", "+46 8", "+0", "+999999999999999999"} {
		if got, err := ParsePrefix(s); got != "" || err == nil {
			t.Errorf("%q: got %q, %v", s, got, err)
		}
	}
}
