package config

import (
	"cmp"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Error is one thing wrong in one file.
type Error struct {
	File   string // as given to Load or Parse, or as the file that names it says
	Line   int    // from 1
	Column int    // from 1, in characters
	Path   string // the key: "trunks[0].allow[1]"; empty where the file as a whole is meant
	// Problem says what is wrong, Fix what to write instead ("write 15s"). Neither holds a secret.
	Problem string
	Fix     string

	excerpt string // the source line, secrets hidden
}

// Error prints "file:line:column: key: what is wrong; what to write instead".
func (e Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Problem)
	if e.Fix != "" {
		b.WriteString("; " + e.Fix)
	}
	return b.String()
}

// Excerpt returns the source line with a caret below the column, both indented; empty where there is none.
func (e Error) Excerpt() string {
	if strings.TrimSpace(e.excerpt) == "" {
		return ""
	}
	const width = 120 // a longer line, such as a whole list on one, is cut around the column
	line, at := []rune(e.excerpt), max(e.Column-1, 0)
	if from := at - width/2; from > 0 && len(line) > width {
		from = min(from, len(line))
		line, at = line[from:], at-from
	}
	line = line[:min(len(line), width)]
	return "    " + string(line) + "\n    " + strings.Repeat(" ", min(at, len(line))) + "^\n"
}

// Errors is everything wrong, by file in the order read, then by line.
type Errors []Error

// Error prints one error per line.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Print writes each error on a line of its own, followed by its source line and a caret where excerpts is set.
func (es Errors) Print(w io.Writer, excerpts bool) error {
	for _, e := range es {
		text := e.Error() + "\n"
		if excerpts {
			text += e.Excerpt()
		}
		if _, err := io.WriteString(w, text); err != nil {
			return fmt.Errorf("print configuration errors: %w", err)
		}
	}
	return nil
}

// err gives es as an error, nil where there is none.
func (es Errors) err() error {
	if len(es) == 0 {
		return nil
	}
	return es
}

// maxExcerpt is the longest line that is shown, in bytes.
const maxExcerpt = 4096

// position is a place in a file, both from 1.
type position struct{ line, column int }

// source is a file while it is read and checked: where each key stands, and what is wrong so far.
type source struct {
	file     string
	lines    []string
	at       map[string]position // by path, of the value; "key:" + path of the key
	errs     Errors
	warnings Errors
	inline   bool // passwords stand in the file itself
}

func newSource(file string, data []byte) *source {
	return &source{file: file, lines: strings.Split(string(data), "\n"), at: map[string]position{}}
}

// fail records an error at a path.
func (s *source) fail(path, problem, fix string) {
	s.errs = append(s.errs, s.errorAt(s.find(path), path, problem, fix))
}

// warn records something that works but should not be.
func (s *source) warn(path, problem, fix string) {
	s.warnings = append(s.warnings, s.errorAt(s.find(path), path, problem, fix))
}

// failAt records an error at a place that has no path yet.
func (s *source) failAt(p position, path, problem, fix string) {
	s.errs = append(s.errs, s.errorAt(p, path, problem, fix))
}

func (s *source) errorAt(p position, path, problem, fix string) Error {
	p.line = min(max(p.line, 1), max(len(s.lines), 1))
	p.column = max(p.column, 1)
	e := Error{File: s.file, Line: p.line, Column: p.column, Path: oneLine(path), Problem: oneLine(problem), Fix: oneLine(fix)}
	if p.line <= len(s.lines) && len(s.lines[p.line-1]) <= maxExcerpt {
		e.excerpt = printable(hideSecrets(s.lines[p.line-1]))
	}
	return e
}

// oneLine keeps what was quoted from a file from spoiling the terminal or filling it.
func oneLine(s string) string {
	const most = 400
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	return printable(s)
}

// printable puts a question mark in the place of control characters, a space in that of a tab.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case unicode.IsControl(r):
			return '?'
		}
		return r
	}, s)
}

// find returns where the value of a path stands, else the nearest thing around it that is written down.
func (s *source) find(path string) position {
	for {
		if p, ok := s.at[path]; ok {
			return p
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return position{1, 1}
		}
		path = path[:i]
	}
}

// sorted returns the errors by line and column, the same one only once.
func sorted(es Errors) Errors {
	slices.SortStableFunc(es, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.CompactFunc(es, func(a, b Error) bool {
		return a.Line == b.Line && a.Column == b.Column && a.Path == b.Path && a.Problem == b.Problem
	})
}

var keyAndValue = regexp.MustCompile(`(["']?[\pL_-]+["']?)(\s*:\s*)("(?:[^"\\]|\\.)*"?|'[^']*'?|[^,}#\s][^,}\n]*)`)

// hideSecrets puts asterisks over the values of all keys that look like a password, misspelled ones too, keeping the
// line's length.
func hideSecrets(line string) string {
	return keyAndValue.ReplaceAllStringFunc(line, func(m string) string {
		part := keyAndValue.FindStringSubmatch(m)
		key := strings.ToLower(strings.Trim(part[1], `"'`))
		if !strings.Contains(key, "pass") && !strings.Contains(key, "secret") && distance(key, "password") > 3 {
			return m
		}
		if key == "password_file" {
			return m
		}
		return part[1] + part[2] + strings.Repeat("*", len([]rune(part[3])))
	})
}
