package console

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	mux := http.NewServeMux()
	Register(mux)
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w.Result()
}

func TestThePageIsServedWithHeadersThatLetItReachNothingElse(t *testing.T) {
	for name, kind := range map[string]string{"": "text/html; charset=utf-8", "main.js": "text/javascript; charset=utf-8", "desk.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"} {
		res := get(t, Path+name)
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != kind {
			t.Errorf("%q: %s, %s", name, res.Status, res.Header.Get("Content-Type"))
		}
		for header, want := range headers {
			if got := res.Header.Get(header); got != want {
				t.Errorf("%q: %s is %q", name, header, got)
			}
		}
	}
	if res := get(t, Path+"console.go"); res.StatusCode != http.StatusNotFound {
		t.Errorf("a file that is no part of the page: %s", res.Status)
	}
	if csp := headers["Content-Security-Policy"]; strings.Contains(csp, "unsafe") || !strings.HasPrefix(csp, "default-src 'none'") {
		t.Errorf("policy %q", csp)
	}
}

func TestAFileThatIsTheSameIsNotSentAgain(t *testing.T) {
	tag := get(t, Path+"main.js").Header.Get("ETag")
	if tag == "" {
		t.Fatal("no tag")
	}
	if res := get(t, Path+"main.js", "If-None-Match", tag); res.StatusCode != http.StatusNotModified {
		t.Errorf("the same: %s", res.Status)
	}
	if res := get(t, Path+"main.js", "If-None-Match", `"another"`); res.StatusCode != http.StatusOK {
		t.Errorf("another: %s", res.Status)
	}
}

func TestWhoAsksForTheServerItselfIsSentToThePage(t *testing.T) {
	for _, path := range []string{"/", "/console"} {
		if res := get(t, path); res.StatusCode != http.StatusFound || res.Header.Get("Location") != Path {
			t.Errorf("%s: %s to %q", path, res.Status, res.Header.Get("Location"))
		}
	}
	if res := get(t, "/elsewhere"); res.StatusCode != http.StatusNotFound {
		t.Errorf("elsewhere: %s", res.Status)
	}
}

var (
	textLine = regexp.MustCompile(`^  (\w+): \["((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\],$`)
	hole     = regexp.MustCompile(`\{\w+\}`)
	asked    = regexp.MustCompile(`\bt\("(\w+)"`)
	word     = regexp.MustCompile(`"(\w+)"`)
)

// texts reads texts.js: every text stands on a line of its own, in both languages.
func texts(t *testing.T) map[string][2]string {
	t.Helper()
	all := map[string][2]string{}
	_, table, _ := strings.Cut(source(t, "texts.js"), "export const texts = {\n")
	table, _, _ = strings.Cut(table, "\n};")
	for line := range strings.SplitSeq(table, "\n") {
		if m := textLine.FindStringSubmatch(line); m != nil {
			all[m[1]] = [2]string{m[2], m[3]}
		} else if line != "" && !strings.HasPrefix(line, "  //") {
			t.Errorf("not a text in two languages: %s", line)
		}
	}
	return all
}

func source(t *testing.T, name string) string {
	t.Helper()
	b, err := files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEveryTextIsThereInBothLanguages(t *testing.T) {
	for key, both := range texts(t) {
		holes := [2][]string{hole.FindAllString(both[0], -1), hole.FindAllString(both[1], -1)}
		slices.Sort(holes[0])
		slices.Sort(holes[1])
		if both[0] == "" || both[1] == "" || !slices.Equal(holes[0], holes[1]) {
			t.Errorf("%s: %q, %q", key, both[0], both[1])
		}
	}
}

// composed are the beginnings of keys that are put together from what the server says.
var composed = []string{"a_", "s_", "p_", "ph_", "r_", "line_", "al_", "k_", "lost_"}

func TestEveryTextThatIsAskedForIsThereAndNoneIsLeftOver(t *testing.T) {
	all, used := texts(t), map[string]bool{}
	for name := range load() {
		if path.Ext(name) != ".js" || name == "texts.js" {
			continue
		}
		text := source(t, name)
		for _, m := range asked.FindAllStringSubmatch(text, -1) {
			if _, known := all[m[1]]; !known && !slices.Contains(composed, m[1]) {
				t.Errorf("%s asks for the text %q", name, m[1])
			}
		}
		for _, m := range word.FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
		}
	}
	for key := range all {
		if !used[key] && !slices.ContainsFunc(composed, func(p string) bool { return strings.HasPrefix(key, p) }) {
			t.Errorf("nobody asks for the text %q", key)
		}
	}
}

func TestTextOnlyEverBecomesText(t *testing.T) {
	for name := range load() {
		if text := source(t, name); path.Ext(name) == ".js" {
			for _, way := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "style=", "localStorage.setItem(\"token"} {
				if strings.Contains(text, way) {
					t.Errorf("%s uses %s", name, way)
				}
			}
		}
	}
}

func TestEveryKeyIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"actions.js", "keys.js"} {
		for _, m := range regexp.MustCompile(`\bkey: "([^"]+)"`).FindAllStringSubmatch(source(t, name), -1) {
			if !strings.Contains(string(page), "`"+m[1]+"`") {
				t.Errorf("docs/console.md does not tell what %s does", m[1])
			}
		}
	}
}
