package console

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestEveryKeyIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/console.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"actions.js", "keys.js"} {
		source, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\bkey: "([^"]+)"`).FindAllStringSubmatch(string(source), -1) {
			if !strings.Contains(string(page), "`"+m[1]+"`") {
				t.Errorf("docs/console.md does not tell what %s does", m[1])
			}
		}
	}
}
