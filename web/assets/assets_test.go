package assets_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"telefonist/web/assets"
	"telefonist/web/console"
	"telefonist/web/portal"
)

// pages are the folders, each with what it says beside what all say. The first is what they share.
var pages = []string{"assets", "console", "portal"}

func get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	mux := http.NewServeMux()
	for _, register := range []func(*http.ServeMux){assets.Register, console.Register, portal.Register} {
		register(mux)
	}
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w.Result()
}

func TestThePageIsServedWithHeadersThatLetItReachNothingElse(t *testing.T) {
	const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
	for name, kind := range map[string]string{"/console/": "text/html; charset=utf-8", "/console/main.js": "text/javascript; charset=utf-8", "/console/desk.css": "text/css; charset=utf-8",
		"/portal/": "text/html; charset=utf-8", "/portal/main.js": "text/javascript; charset=utf-8", "/assets/dom.js": "text/javascript; charset=utf-8", "/assets/icon.svg": "image/svg+xml"} {
		res := get(t, name)
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != kind {
			t.Errorf("%q: %s, %s", name, res.Status, res.Header.Get("Content-Type"))
		}
		for header, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-cache"} {
			if got := res.Header.Get(header); got != want {
				t.Errorf("%q: %s is %q", name, header, got)
			}
		}
	}
	for _, name := range []string{"/console/console.go", "/portal/portal.go", "/assets/assets.go", "/assets/", "/console/dom.js", "/elsewhere"} {
		if res := get(t, name); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s is no part of a page: %s", name, res.Status)
		}
	}
}

func TestAFileThatIsTheSameIsNotSentAgain(t *testing.T) {
	for _, name := range []string{"/console/main.js", "/portal/", "/assets/base.css"} {
		tag := get(t, name).Header.Get("ETag")
		if tag == "" {
			t.Fatal("no tag")
		}
		if res := get(t, name, "If-None-Match", tag); res.StatusCode != http.StatusNotModified {
			t.Errorf("%s, the same: %s", name, res.Status)
		}
		if res := get(t, name, "If-None-Match", `"another"`); res.StatusCode != http.StatusOK {
			t.Errorf("%s, another: %s", name, res.Status)
		}
	}
}

func TestWhoAsksForTheServerItselfIsSentToThePage(t *testing.T) {
	for path, to := range map[string]string{"/": console.Path, "/console": console.Path, "/portal": portal.Path} {
		if res := get(t, path); res.StatusCode != http.StatusFound || res.Header.Get("Location") != to {
			t.Errorf("%s: %s to %q", path, res.Status, res.Header.Get("Location"))
		}
	}
}

var (
	textLine = regexp.MustCompile(`^  (\w+): \["((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\],$`)
	hole     = regexp.MustCompile(`\{\w+\}`)
	asked    = regexp.MustCompile(`\bt\("(\w+)"`)
	word     = regexp.MustCompile(`"(\w+)"`)
)

// texts reads the texts.js of a page: every text stands on a line of its own, in both languages.
func texts(t *testing.T, page string) map[string][2]string {
	t.Helper()
	all := map[string][2]string{}
	_, table, _ := strings.Cut(source(t, page, "texts.js"), "export const texts = {\n")
	table, _, _ = strings.Cut(table, "\n};")
	for line := range strings.SplitSeq(table, "\n") {
		if m := textLine.FindStringSubmatch(line); m != nil {
			all[m[1]] = [2]string{m[2], m[3]}
		} else if line != "" && !strings.HasPrefix(line, "  //") {
			t.Errorf("%s: not a text in two languages: %s", page, line)
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s has no texts", page)
	}
	return all
}

func source(t *testing.T, page, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", page, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// scripts are the modules of a page.
func scripts(t *testing.T, page string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(filepath.Join("..", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if path.Ext(f.Name()) == ".js" {
			names = append(names, f.Name())
		}
	}
	return names
}

func TestEveryTextIsThereInBothLanguages(t *testing.T) {
	for _, page := range pages {
		for key, both := range texts(t, page) {
			holes := [2][]string{hole.FindAllString(both[0], -1), hole.FindAllString(both[1], -1)}
			slices.Sort(holes[0])
			slices.Sort(holes[1])
			if both[0] == "" || both[1] == "" || !slices.Equal(holes[0], holes[1]) {
				t.Errorf("%s, %s: %q, %q", page, key, both[0], both[1])
			}
		}
	}
}

// composed are the beginnings of keys that are put together from what the server says.
var composed = map[string][]string{
	"console": {"a_", "s_", "p_", "ph_", "r_", "line_", "al_", "k_", "lost_"},
	"portal":  {"mode_", "effect_", "back_", "now_", "then_", "day_", "until_", "away_", "line_", "way_", "shut_"},
}

func TestEveryTextThatIsAskedForIsThereAndNoneIsLeftOver(t *testing.T) {
	shared, usedByAny := texts(t, "assets"), map[string]bool{}
	for _, page := range pages[1:] {
		own, used := texts(t, page), map[string]bool{}
		for _, folder := range []string{"assets", page} {
			for _, name := range scripts(t, folder) {
				if name == "texts.js" {
					continue
				}
				text := source(t, folder, name)
				for _, m := range asked.FindAllStringSubmatch(text, -1) {
					_, is := own[m[1]]
					if _, all := shared[m[1]]; !is && !all && !slices.Contains(composed[page], m[1]) {
						t.Errorf("%s/%s asks for the text %q", folder, name, m[1])
					}
				}
				for _, m := range word.FindAllStringSubmatch(text, -1) {
					used[m[1]], usedByAny[m[1]] = true, true
				}
			}
		}
		for key := range own {
			if _, twice := shared[key]; twice {
				t.Errorf("%s says %q, which all pages say", page, key)
			}
			if !used[key] && !slices.ContainsFunc(composed[page], func(p string) bool { return strings.HasPrefix(key, p) }) {
				t.Errorf("nobody on %s asks for the text %q", page, key)
			}
		}
	}
	for key := range shared {
		if !usedByAny[key] {
			t.Errorf("no page asks for the text %q", key)
		}
	}
}

func TestTextOnlyEverBecomesText(t *testing.T) {
	for _, page := range pages {
		for _, name := range scripts(t, page) {
			text := source(t, page, name)
			for _, way := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "style=", "localStorage.setItem(\"token"} {
				if strings.Contains(text, way) {
					t.Errorf("%s/%s uses %s", page, name, way)
				}
			}
		}
	}
}
