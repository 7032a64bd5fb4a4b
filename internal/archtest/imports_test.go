package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "telefonist"

// rooms says which rooms of the module each room may import. A room covers the folders below it. A rule for a folder
// further down adds to that of the room above it. A room that is not listed fails the test: decide where it belongs.
var rooms = map[string][]string{
	// The domain: no circle, and call imports none of them.
	"call":      nil,
	"queue":     {"call"},
	"calendar":  nil,
	"tariff":    {"calendar"},
	"directory": {"call", "calendar", "tariff"},
	"record":    {"call", "calendar", "tariff", "directory"},
	"account":   {"directory"},

	"switchboard": domain,

	// Adapters: the domain, and one another only where it says so.
	"sip":     append([]string{"switchboard", "media"}, domain...),
	"media":   domain,
	"store":   domain,
	"search":  domain,
	"message": domain,
	"billing": domain,
	// exchange turns files into rows and rows into files.
	"exchange": {"directory"},
	"web":      append([]string{"switchboard"}, domain...),

	"config": {"call", "calendar", "tariff", "directory", "record", "account"},
	"app":    append([]string{"config", "switchboard", "sip", "media", "store", "search", "message", "billing", "exchange", "web"}, domain...),
	// The command is thin: what it needs beside app are the words of flags and of what is printed.
	"cmd":      append([]string{"app", "config", "billing", "web"}, domain...),
	"deploy":   nil,
	"internal": nil,
}

var domain = []string{"call", "queue", "calendar", "tariff", "directory", "record", "account"}

// impure are packages that do I/O, or let a clock, a log or a caller's patience into what must be pure.
var impure = []string{"bufio", "context", "database", "io/fs", "io/ioutil", "log", "net", "os", "os/exec", "plugin", "runtime", "sync", "syscall",
	"testing", "unsafe"}

// pureExceptions are those that a domain room has a reason for.
var pureExceptions = map[string][]string{
	"tariff":   {"bufio"}, // over an io.Reader that is given: the table of cases
	"calendar": {"sync"},  // the zone is loaded once
}

// libraries say which rooms alone may import a library; everything below the path counts.
var libraries = map[string][]string{
	"github.com/emiago/sipgo":             {"sip"},
	"github.com/icholy/digest":            {"sip"},
	"github.com/pion":                     {"media", "sip/softphone"},
	"github.com/zaf/g711":                 {"media", "sip/softphone"},
	"go.etcd.io/bbolt":                    {"store"},
	"github.com/danielgtaylor/huma":       {"web"},
	"github.com/goccy/go-yaml":            {"config"},
	"github.com/xuri/excelize":            {"exchange"},
	"github.com/spf13":                    {"cmd"},
	"github.com/nyaruka/phonenumbers":     {"directory", "config"},
	"github.com/coreos/go-systemd":        {"app"},
	"github.com/oklog/ulid":               {"switchboard"},
	"github.com/wneessen/go-mail":         {"message/email"},
	"github.com/prometheus/client_golang": {"switchboard", "sip", "media", "store", "search", "message", "billing", "web", "app"},
}

// domainLibraries are what the domain may import from outside the standard library.
var domainLibraries = map[string][]string{"directory": {"github.com/nyaruka/phonenumbers"}}

// source is one file of the module that is no test.
type source struct {
	dir     string // slash-separated, relative to the root
	file    string
	imports []string
	doc     bool // has a package comment
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// walk visits every file of the module that people wrote.
func walk(t *testing.T, visit func(name string)) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(root(t)), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if base := d.Name(); name != "." && (base == "bin" || base == "data" || base == "secrets" || base == "vendor" || base == ".git") {
				return fs.SkipDir
			}
			return nil
		}
		if name != ".git" { // a linked worktree has a file of this name
			visit(name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func sources(t *testing.T) (all []source) {
	t.Helper()
	base := root(t)
	walk(t, func(name string) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "testdata/") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(base, filepath.FromSlash(name)), nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		s := source{dir: path.Dir(name), file: name, doc: f.Doc != nil}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			s.imports = append(s.imports, p)
		}
		all = append(all, s)
	})
	if len(all) < 20 {
		t.Fatalf("only %d files found", len(all))
	}
	return all
}

func room(dir string) string { r, _, _ := strings.Cut(dir, "/"); return r }

// within tells whether a path is a prefix's or below it.
func within(p, prefix string) bool { return p == prefix || strings.HasPrefix(p, prefix+"/") }

func TestRoomsImportOnlyWhomTheyMay(t *testing.T) {
	for _, s := range sources(t) {
		from := room(s.dir)
		allowed, known := rooms[from]
		if !known {
			t.Errorf("%s: room %q is not in the plan", s.file, from)
			continue
		}
		for _, p := range s.imports {
			name, ours := strings.CutPrefix(p, module+"/")
			if to := room(name); ours && to != from && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s: %s may not import %s", s.file, p, from, to)
			}
		}
	}
}

func TestDomainDoesNoIO(t *testing.T) {
	for _, s := range sources(t) {
		from := room(s.dir)
		if !slices.Contains(domain, from) {
			continue
		}
		for _, p := range s.imports {
			first, _, _ := strings.Cut(p, "/")
			switch {
			case within(p, module):
			case strings.Contains(first, "."):
				if !slices.ContainsFunc(domainLibraries[from], func(l string) bool { return within(p, l) }) {
					t.Errorf("%s imports %s: the domain knows no libraries", s.file, p)
				}
			case slices.ContainsFunc(impure, func(i string) bool { return within(p, i) }) && !slices.Contains(pureExceptions[from], p):
				t.Errorf("%s imports %s: the domain does no I/O, logs nothing and waits for nothing", s.file, p)
			}
		}
	}
}

func TestLibrariesStayInTheirRooms(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range sources(t) {
		for _, p := range s.imports {
			for library, users := range libraries {
				if !within(p, library) {
					continue
				}
				seen[library] = true
				if !slices.ContainsFunc(users, func(u string) bool { return within(s.dir, u) }) {
					t.Errorf("%s imports %s: that is for %s", s.file, p, strings.Join(users, ", "))
				}
			}
		}
	}
	for library := range libraries {
		if !seen[library] {
			t.Errorf("nobody imports %s any more: drop its rule", library)
		}
	}
}

// TestAdaptersDoNotCircle: the plan above has no circle, so none can be built by widening one rule.
func TestAdaptersDoNotCircle(t *testing.T) {
	var visit func(r string, trail []string)
	visit = func(r string, trail []string) {
		if slices.Contains(trail, r) {
			t.Fatalf("circle: %s", strings.Join(append(trail, r), " -> "))
		}
		for _, to := range rooms[r] {
			visit(to, append(slices.Clip(trail), r))
		}
	}
	for _, r := range []string{"cmd", "app", "sip", "web", "config", "record"} {
		visit(r, nil)
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	doc := map[string]bool{}
	for _, s := range sources(t) {
		doc[s.dir] = doc[s.dir] || s.doc
	}
	for dir, has := range doc {
		if !has {
			t.Errorf("%s has no package comment", dir)
		}
	}
}
