package directory

import "testing"

func TestSMSSenders(t *testing.T) {
	for s, want := range map[string]string{"Telefonist": "Telefonist", " Acme2 ": "Acme2", "08-500 000 01": "+46850000001", "+46701234567": "+46701234567"} {
		if got, err := ParseSMSSender(s); got != want || err != nil {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "Twelve chars", "Åsa", "A-B", "2Acme", "a\nb", "+46"} {
		if got, err := ParseSMSSender(s); err == nil {
			t.Errorf("%q is taken as %q", s, got)
		}
	}
}
