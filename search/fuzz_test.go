package search

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzSearch: no document and no query, however made, breaks the index, and a name that is kept is found by itself.
func FuzzSearch(f *testing.F) {
	f.Add("Anna-Karin Åkesson", "fakturor, Visma", "+46 (0)8-123 45 67", "ana akeson 4567")
	f.Add("O'Brien", "", "00", "0 00 + (0)")
	f.Add("Иван \u0301\u0302", "ßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßßß", "205", "иван ssss")
	f.Add("İı\u0307 ﬀ", "\xff\xfe", "٣٤٥", strings.Repeat("a ", 300))
	f.Add(strings.Repeat("x", 500), "chhhh sjskjstj qq ww", "12345678901234567890123", strings.Repeat("9", 400))
	f.Fuzz(func(t *testing.T, name, keyword, number, query string) {
		x := newIndex(t, fixed{}, Config{})
		d := Doc{ID: name, Kind: Kind(len(name)), Names: []string{name}, Keywords: []string{keyword}, Numbers: []string{number}, Title: query, Text: keyword}
		other := Doc{ID: "other\x00" + name, Names: []string{query}, Numbers: []string{query}}
		if err := x.Open(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		x.Put("a", d)
		x.Put("a", other, d)
		for _, q := range []string{query, name, keyword, number} {
			hits, err := x.Search(t.Context(), "a", q, Options{})
			if err != nil {
				t.Fatal(err)
			}
			joined, _ := parse(q, "46")
			for _, h := range hits {
				if h.ID != d.ID && h.ID != other.ID || len(h.Why) == 0 || len(h.Why) > maxWords || h.Score <= 0 {
					t.Errorf("%q gives %+v", q, h)
				}
			}
			if q == name && len(joined) > 0 && len(name) < maxQuery && !strings.ContainsAny(name, "0123456789") && len(hits) == 0 {
				t.Errorf("%q is not found by its name", name)
			}
		}
		x.Delete("a", d.ID, other.ID)
		if s := x.Stats(); s.Documents != 0 {
			t.Errorf("%+v after deleting all", s)
		}
	})
}

// FuzzSounds: keys are made of any word, and stay short.
func FuzzSounds(f *testing.F) {
	for _, s := range []string{"sjöberg", "ch", "xxxx", "\x01", "stjschskj", "ß"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, tk := range tokens(s, 100) {
			keys := sounds(tk.text)
			if len(keys) > 4 {
				t.Errorf("%q has keys %q", tk.text, keys)
			}
			for _, k := range keys {
				if n := utf8.RuneCountInString(k); n == 0 || n > 4*maxWord || !utf8.ValidString(k) {
					t.Errorf("%q has key %q", tk.text, k)
				}
			}
		}
	})
}
