package archtest

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// strange is what has no place in the product's files: paths of the machine that it was written on, and who asked for
// what when. The patterns are put together here so that they do not find themselves.
var strange = regexp.MustCompile(strings.Join([]string{
	`/wo` + `rk/(main|shared|\.library|\.mirror)`, `/tm` + `p/(h|i[0-9])\b`, `/ro` + `ot/`, `/ho` + `me/[a-z]`,
	`(?i)\bfirst iss` + `ue\b`, `(?i)\biss` + `ue (text|point|#?[0-9])`, `(?i)\bthis iss` + `ue\b`, `(?i)filed by a sess` + `ion`,
	`(?i)\bsession of the proj` + `ect\b`, `(?i)\b(other|another) hel` + `per\b`,
}, "|"))

func TestNoFileTellsOfTheMachineItWasWrittenOn(t *testing.T) {
	base := root(t)
	walk(t, func(name string) {
		text, err := os.ReadFile(filepath.Join(base, filepath.FromSlash(name)))
		if os.IsNotExist(err) {
			return // a file that came and went
		}
		if err != nil {
			t.Error(err)
			return
		}
		if len(text) > 4<<20 || !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
			return
		}
		for i, line := range strings.Split(string(text), "\n") {
			if found := strange.FindString(line); found != "" {
				t.Errorf("%s:%d: %q", name, i+1, found)
			}
		}
	})
}

func TestStrangeWordsAreFound(t *testing.T) {
	for _, s := range []string{"/wo" + "rk/shared/x", "see iss" + "ue 12", "this iss" + "ue says", "/ho" + "me/me"} {
		if !strange.MatchString(s) {
			t.Errorf("%q is not found", s)
		}
	}
	for _, s := range []string{"session timers (RFC 4028)", "work/main", "a helper function", "issued at", "https://example.com/homepage"} {
		if strange.MatchString(s) {
			t.Errorf("%q is found", s)
		}
	}
}
