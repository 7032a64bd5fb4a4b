package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestEveryKeyIsExplainedAndNothingElse(t *testing.T) {
	known := map[string]bool{}
	for _, k := range Keys() {
		known[k.Path] = true
		if k.Meaning == "" || !strings.HasSuffix(strings.TrimRight(k.Meaning, "`)"), ".") && !strings.HasSuffix(k.Meaning, ".") {
			t.Errorf("%s is not explained: %q", k.Path, k.Meaning)
		}
		if k.Type == "" || strings.Contains(k.Type, "a value") || strings.Contains(k.Meaning, "|") {
			t.Errorf("%s has type %q", k.Path, k.Type)
		}
	}
	for path := range meanings {
		if !known[path] {
			t.Errorf("%s is explained but is no key", path)
		}
	}
}

func TestReferenceIsAsPrinted(t *testing.T) { golden(t, "reference.md", []byte(Reference())) }

func TestExampleShowsEveryKeyWithItsDefault(t *testing.T) {
	var texts []string
	for _, name := range []string{"telefonist.yaml", "tenants.yaml"} {
		data, err := os.ReadFile(filepath.Join(testdata, name))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(data))
	}
	for _, k := range Keys() {
		name, text := k.Path[strings.LastIndex(k.Path, ".")+1:], texts[0]
		if strings.HasPrefix(k.Path, "tenants") || strings.HasPrefix(k.Path, "agents") {
			text = texts[1]
		}
		if !strings.Contains(text, name+":") {
			t.Errorf("the example lacks %s", k.Path)
		}
	}
	c, err := Parse("telefonist.yaml", []byte(texts[0]))
	if err != nil {
		t.Fatal(err)
	}
	want := Default() // the rest is marked as an example
	c.src, c.Trunks, c.Plans, c.Provision = nil, nil, nil, nil
	c.Groups, c.Web.TrustedProxies, c.Media.Prompts, c.Media.Music = nil, nil, nil, nil
	if !reflect.DeepEqual(c, want) {
		t.Errorf("the example differs from the defaults:\n%+v\n%+v", c, want)
	}
}
