package gsm

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAlphabetHas128Characters(t *testing.T) {
	if n := utf8.RuneCountInString(alphabet); n != 128 || len(codes) != 127 || len(extension) != len(extras) {
		t.Errorf("%d characters, %d codes", n, len(codes))
	}
	for r, want := range map[rune]byte{'@': 0, 'Ç': 9, 'Å': 0x0e, 'å': 0x0f, 'Æ': 0x1c, 'É': 0x1f, ' ': 0x20, '¤': 0x24, '0': 0x30, '¡': 0x40, 'A': 0x41,
		'Ä': 0x5b, 'Ö': 0x5c, '§': 0x5f, '¿': 0x60, 'a': 0x61, 'ä': 0x7b, 'ö': 0x7c, 'ü': 0x7e, 'à': 0x7f} {
		if codes[r] != want {
			t.Errorf("%c has code %#x, want %#x", r, codes[r], want)
		}
	}
}

func TestSegmentsAreCounted(t *testing.T) {
	rep := strings.Repeat
	for _, c := range []struct {
		name, text string
		enc        Encoding
		units, seg int
		left       int
	}{
		{"empty", "", GSM7, 0, 0, 160},
		{"Swedish letters are in the alphabet", "åäöÅÄÖé", GSM7, 7, 1, 153},
		{"160 fit in one", rep("a", 160), GSM7, 160, 1, 0},
		{"161 take two of 153", rep("a", 161), GSM7, 161, 2, 145},
		{"306 fill two", rep("a", 306), GSM7, 306, 2, 0},
		{"307 take three", rep("a", 307), GSM7, 307, 3, 152},
		{"the euro takes two septets", "€", GSM7, 2, 1, 158},
		{"80 euros fit in one", rep("€", 80), GSM7, 160, 1, 0},
		{"an escaped character is not cut in two", rep("a", 152) + "€" + rep("a", 151), GSM7, 305, 2, 0},
		{"but needs a third where it would not fit", rep("a", 152) + "€" + rep("a", 152), GSM7, 306, 3, 152},
		{"small c with cedilla is not in it", "ç", UCS2, 1, 1, 69},
		{"capital is", "Ç", GSM7, 1, 1, 159},
		{"70 fit in one", rep("ł", 70), UCS2, 70, 1, 0},
		{"71 take two of 67", rep("ł", 71), UCS2, 71, 2, 63},
		{"a pair is two units", "😀", UCS2, 2, 1, 68},
		{"a pair is not cut in two", rep("ł", 66) + "😀" + rep("ł", 10), UCS2, 78, 2, 55},
	} {
		got := Measure(c.text)
		if got.Encoding != c.enc || got.Units != c.units || got.Segments != c.seg || got.Left != c.left {
			t.Errorf("%s: %+v", c.name, got)
		}
		if (got.Culprit != 0) != (c.enc == UCS2) {
			t.Errorf("%s: culprit %q", c.name, got.Culprit)
		}
	}
}

func TestSimplifyKeepsTextsInTheAlphabet(t *testing.T) {
	got := Simplify("”Hej” – A\u030akes fo\u0308rra mo\u0308te… it’s\u00a0ok, garçon")
	if want := `"Hej" - Åkes förra möte... it's ok, garÇon`; got != want {
		t.Errorf("got %q", got)
	}
	if Measure(got).Encoding != GSM7 {
		t.Error("not in the alphabet")
	}
	if s := "Łódź Đorđe 你好 😀"; Simplify(s) != s {
		t.Errorf("letters were changed: %q", Simplify(s))
	}
}

func FuzzSeptets(f *testing.F) {
	for _, s := range []string{"", "Hej €[]{}~^|\\ åäö", "ç", "😀", strings.Repeat("€", 99), "\xff", "a\u030a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c := Measure(s)
		septets, ok := Septets(s)
		if ok != (c.Encoding == GSM7) {
			t.Fatalf("encoded %v, counted as %s", ok, c.Encoding)
		}
		if ok && (len(septets) != c.Units || Text(septets) != s) {
			t.Fatalf("%d septets for %d units; %q came back as %q", len(septets), c.Units, s, Text(septets))
		}
		room, joined := single7, joined7
		if c.Encoding == UCS2 {
			room, joined = single2, joined2
		}
		switch {
		case c.Left < 0, c.Units <= room && c.Segments > 1, c.Units > 0 && c.Segments < 1, c.Units > room && (c.Units+c.Left > c.Segments*joined || c.Units < (c.Segments-1)*(joined-1)):
			t.Fatalf("%+v", c)
		}
		if again := Simplify(Simplify(s)); again != Simplify(s) {
			t.Fatalf("simplified twice: %q, %q", Simplify(s), again)
		}
	})
}
