package search

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTextIsSplitIntoWords(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Hans Jonas", "hans jonas"},
		{"Anna-Karin  ÖBERG", "anna karin öberg"},
		{"fakturor, Visma, leverantör", "fakturor visma leverantör"},
		{"anna.berg@nordverken.example", "anna berg nordverken example"},
		{"O'Brien d’Arc", "obrien darc"},
		{"08-123 45 67", "08 123 45 67"},
		{"ISO9001", "iso9001"},
		{"A\u030Asa", "åsa"}, // decomposed, as some systems write it
		{"på i och", "på i och"},
		{"Иван Ли", "иван ли"},
		{"a\xffb", "a b"},
		{" ,;- ", ""},
		{"", ""},
		{strings.Repeat("x", 60), strings.Repeat("x", maxWord)},
	} {
		var got []string
		for _, tk := range tokens(c.in, 100) {
			got = append(got, tk.text)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: %q, want %q", c.in, s, c.want)
		}
	}
}

func TestMarksAreFolded(t *testing.T) {
	for in, want := range map[string]string{"åäö": "aao", "andré": "andre", "zoë": "zoe", "müller": "muller", "wójcik": "wojcik",
		"małgorzata": "malgorzata", "søren": "soren", "kjær": "kjar", "yılmaz": "yilmaz", "strauß": "strauss", "петров": "петров",
		"ñandú": "nandu", "plain": "plain"} {
		if got := fold(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func alike(a, b string) bool {
	return slices.ContainsFunc(sounds(a), func(k string) bool { return slices.Contains(sounds(b), k) })
}

func TestNamesThatSoundAlikeShareAKey(t *testing.T) {
	for _, names := range []string{
		"carlsson karlsson carlson karlson carlzon", "wiklund viklund", "kristina christina", "johansson johanson",
		"sjöberg schöberg stjöberg siöberg", "sköld schöld sjöld skjöld skiöld", "charlotte sjarlotte scharlotte", "chatarina katarina",
		"kjell tjell kell", "kjellberg källberg kellberg", "göran jöran", "gerd jerd", "hjalmar jalmar", "ljung jung",
		"djurberg jurberg", "gustafsson gustavsson gustavson", "olof olov", "löfgren lövgren löfwgren", "elfving elving", "stephan stefan",
		"sofie sofi", "marie mari", "cathrine katrine kathrin", "thomas tomas", "bergh berg", "ahlberg alberg", "öhman öman",
		"lindqvist lindquist lindkvist lindqwist", "qvarnström kvarnström quarnström", "zackrisson sackrisson zakrisson",
		"zetterberg setterberg", "max maks", "alexander aleksander", "eric erik erick", "marcus markus", "jakob jacob", "michael mikael",
		"jenny jennie jenni", "yusuf jusuf", "maja maya", "schmidt schmitt smit", "wahlström valström", "hägg hegg", "persson pärsson",
		"ångström ongström", "müller myller", "nyström niström", "hvitfeldt vitfelt", "sarah sara", "cecilia sesilia",
	} {
		list := strings.Fields(names)
		for _, n := range list[1:] {
			if !alike(list[0], n) {
				t.Errorf("%s %v and %s %v share no key", list[0], sounds(list[0]), n, sounds(n))
			}
		}
	}
}

func TestOtherNamesKeepOtherKeys(t *testing.T) {
	for _, names := range []string{"karlsson larsson", "anna hanna", "lind lund", "berg borg", "johan jonas", "hans jens", "erik ulrik",
		"nilsson olsson", "kent bengt", "maria mia", "sven stefan", "kim tim", "johan jan", "sandberg sundberg"} {
		a, b, _ := strings.Cut(names, " ")
		if alike(a, b) {
			t.Errorf("%s %v and %s %v share a key", a, sounds(a), b, sounds(b))
		}
	}
}

func TestNumbersAreFoundInAnyFormat(t *testing.T) {
	for _, c := range []struct {
		number, query string
		want          int
	}{
		{"+46812345678", "08-123 456 78", exactly},
		{"+46812345678", "+46 (0)8 123 456 78", exactly},
		{"+46812345678", "0046812345678", exactly},
		{"+46812345678", "46812345678", exactly},
		{"08-123 456 78", "+46812345678", exactly},
		{"+46812345678", "5678", numberEnd},
		{"+46812345678", "678", numberEnd},
		{"+46812345678", "78", 0},
		{"+46812345678", "08123", numberStart},
		{"+46812345678", "+46812", numberStart},
		{"+46812345678", "812345", 0},
		{"+46812345678", "5679", 0},
		{"205", "205", exactly},
		{"205", "20", numberStart},
		{"205", "05", 0},
		{"4205", "205", numberEnd},
		{"0", "0", exactly},
		{"+4712345678", "0047 1234 5678", exactly},
		{"12345678901234567890", "5678901234567890", exactly},
	} {
		joined, _ := parse(c.query, "46")
		if len(joined) != 1 || !joined[0].isNum {
			t.Errorf("%q is not one number: %+v", c.query, joined)
			continue
		}
		if got := joined[0].number.quality(packNumber(c.number, "46")); got != c.want {
			t.Errorf("%q for %q: %d, want %d", c.query, c.number, got, c.want)
		}
	}
}

// distance is the restricted Damerau distance by the book: the whole table.
func distance(a, b []rune) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			switch {
			case i == 0:
				d[i][j] = j
			case j == 0:
				d[i][j] = i
			default:
				cost := 1
				if a[i-1] == b[j-1] {
					cost = 0
				}
				d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					d[i][j] = min(d[i][j], d[i-2][j-2]+1)
				}
			}
		}
	}
	return d[len(a)][len(b)]
}

// beginning is the least distance of q to any beginning of a term.
func beginning(q, term []rune) int {
	least := len(q)
	for i := range len(term) + 1 {
		least = min(least, distance(q, term[:i]))
	}
	return least
}

// FuzzDistance: whatever the words, the shared and banded computation agrees with the whole table.
func FuzzDistance(f *testing.F) {
	f.Add("karlsson", "karlsson karlson larsson carlsson karl k karlssonsson", 2)
	f.Add("anna", "aann an anan anna annan nana", 1)
	f.Add("åäö", "åäö aao äå", 2)
	f.Add("ab", "ba b a abab", 1)
	f.Fuzz(func(t *testing.T, query, list string, most int) {
		q := []rune(fold(clip(query, 30)))
		if len(q) == 0 || !utf8.ValidString(query) || !utf8.ValidString(list) {
			return
		}
		most = 1 + max(most, -most)&1
		words := strings.Fields(clip(list, 400))
		slices.Sort(words)
		var w dictWriter
		for _, word := range words {
			w.add(word, []byte(word[:len(word)/2]))
		}
		fz, c, at := newFuzzy(q, most), w.finish().walk(), 0
		for ; c.next(); at++ {
			if string(c.word) != words[at] || string(c.extra) != words[at][:len(words[at])/2] {
				t.Fatalf("word %d is %q %q, want %q", at, string(c.word), c.extra, words[at])
			}
			if at%3 == 2 {
				fz.share(c.shared) // left out
				continue
			}
			whole, start := fz.step(c.word, c.shared)
			if want := min(distance(q, c.word), most+1); whole != want {
				t.Errorf("%q to %q: %d, want %d", string(q), words[at], whole, want)
			}
			if want := min(beginning(q, c.word), most+1); min(start, most+1) != want {
				t.Errorf("%q to the beginning of %q: %d, want %d", string(q), words[at], start, want)
			}
		}
		if at != len(words) {
			t.Errorf("%d words, want %d", at, len(words))
		}
	})
}
