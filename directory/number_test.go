package directory

import (
	"errors"
	"testing"
)

func TestNumbersInEveryWrittenFormBecomeE164(t *testing.T) {
	for in, want := range map[string]string{
		"+46850000001":                      "+46850000001",
		"46850000001":                       "+46850000001", // user part of a SIP URI without its plus
		"0046850000001":                     "+46850000001",
		"00 46 8 500 000 01":                "+46850000001",
		"08-400 000 01":                     "+46840000001",
		"08-4000001":                        "+4684000001",
		"08/500.000.01":                     "+46850000001",
		"(08) 500 000 01":                   "+46850000001",
		"+46 (0)8 500 000 01":               "+46850000001",
		"+46\u00a0(0)8\u00a0500\u201000001": "+46850000001",
		"tel:+46-8-500-000-01":              "+46850000001",
		"TEL:+46850000001;isub=12":          "+46850000001",
		"tel:08-50000001;phone-context=+46": "+46850000001",
		"tel:0201234567;phone-context=+44":  "+44201234567",
		"+46850000001;npdi;rn=+4612":        "+46850000001",
		" 0701234567 ":                      "+46701234567",
		"+4522123456":                       "+4522123456",
		"020-123456":                        "+4620123456",
	} {
		if got, err := ParseNumber(in, ""); got != want || err != nil {
			t.Errorf("%q: got %q, %v; want %q", in, got, err, want)
		}
	}
	if got, err := ParseNumber("22 12 34 56", "DK"); err == nil {
		t.Errorf("a local number without trunk prefix became %q", got)
	}
}

func TestWhatIsNoNumberIsRefusedWithAdvice(t *testing.T) {
	for in, want := range map[string]error{
		"":                   ErrNotANumber,
		"+":                  ErrNotANumber,
		"anna":               ErrNotANumber,
		"1-800-FLOWERS":      ErrNotANumber,
		"08-ABCDEF":          ErrNotANumber,
		"*21*08500#":         ErrNotANumber,
		"٠٨٥٠٠٠٠٠٠٠١":        ErrNotANumber, // other scripts' digits
		"08-500 000 01 x5":   ErrNotANumber,
		"0850000001\r\nX: y": ErrNotANumber,
		"205":                ErrIncomplete,
		"850000001":          ErrIncomplete,
		"4512345678":         ErrIncomplete, // Denmark without its plus, or a local number: nobody can tell
		"08":                 ErrIncomplete,
		"+46":                ErrIncomplete,
		"+4685000000123456":  ErrIncomplete,
		"112":                ErrEmergency,
		"11414":              ErrEmergency,
	} {
		got, err := ParseNumber(in, "SE")
		var ne *NumberError
		if got != "" || !errors.Is(err, want) || !errors.As(err, &ne) || ne.Fix == "" {
			t.Errorf("%q: got %q, %v; want %v", in, got, err, want)
		}
	}
}

func TestMaskHidesTheMiddle(t *testing.T) {
	for in, want := range map[string]string{"+46850000001": "+468…01", "205": "205", "": ""} {
		if got := Mask(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"08-400 000 01", "+46 (0)8 500", "tel:08;phone-context=+46", "0046850000001", "46850000001",
		"+46085000001", "+800 1234 5678", "+390612345678", "+1 900 555 0100", "112", "000", "+0046", "118118"} {
		f.Add(s, "SE")
	}
	f.Add("06 12345678", "IT")
	f.Add("15-1234-5678", "AR")
	f.Fuzz(func(t *testing.T, s, region string) {
		if len(region) > 3 {
			region = ""
		}
		number, err := ParseNumber(s, region)
		if err != nil {
			if number != "" || err.Error() == "" {
				t.Fatalf("%q: %q with error %v", s, number, err)
			}
			return
		}
		if number[0] != '+' || len(number) > 16 {
			t.Fatalf("%q became %q, which is not E.164", s, number)
		}
		if again, err := ParseNumber(number, region); again != number || err != nil {
			t.Fatalf("%q became %q, which became %q, %v", s, number, again, err)
		}
	})
}
