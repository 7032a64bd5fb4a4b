package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func seeds(f *testing.F) {
	for _, pattern := range []string{"*.yaml", "*/*.yaml"} {
		files, err := filepath.Glob(filepath.Join(testdata, pattern))
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	for _, s := range []string{"a: &x 1\nb: *x", "<<: {a: 1}", "? [a]\n: b", "sip: !!map {}", "%YAML 1.9\n---\n", "}", "- a", "sip: [",
		"\xff\xfe", "sip:\n\tlisten: []", "a:\x00", strings.Repeat("[", 70), strings.Repeat("- ", 70), "sip: |\n  a\n b", "---\n---\n1"} {
		f.Add([]byte(s))
	}
}

func checkErrors(t *testing.T, err error, data []byte) {
	if err == nil {
		return
	}
	var errs Errors
	if !errors.As(err, &errs) || len(errs) == 0 {
		t.Fatalf("error is %T: %v", err, err)
	}
	lines := strings.Count(string(data), "\n") + 1
	for _, e := range errs {
		if e.Line < 1 || e.Line > lines || e.Column < 1 || e.Problem == "" || strings.ContainsAny(e.Error(), "\n\x00") {
			t.Fatalf("error is %#v", e)
		}
		e.Excerpt()
	}
}

func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("x.yaml", data)
		if (c == nil) != (err != nil) {
			t.Fatalf("got %v with %v", c, err)
		}
		checkErrors(t, err, data)
	})
}

func FuzzProvision(f *testing.F) {
	seeds(f)
	main := []byte(`{trunks: [{name: icentrex, allow: [192.0.2.7], target: "sip:192.0.2.7"}], plans: [{id: standard-2027}], groups: {norr: Norr, jour: Jour}}`)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := LoadBytes("x.yaml", main, data)
		checkErrors(t, err, data)
		if err != nil {
			return
		}
		if _, _, err := c.Apply(State{}); err != nil {
			t.Fatalf("what passed the check cannot be applied: %v", err)
		}
	})
}
