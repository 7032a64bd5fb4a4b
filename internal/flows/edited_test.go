package flows

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// everythingElse are rules none of which any scenario has.
const everythingElse = `recall_after: 1s, ring_timeout: 3s, at_limit: end, limit_prompt: closed, warn_at: 1s, hard_cap: 1m, park_recall: 10s,
   priority: 9, answer: ring, max_wait: 1s, overflow: busy, whisper: other, music: other, welcome: [other], language: en,
   voicemail: ["205", "+46840000009", "+46700000002"], prefixes: ["+47"], hours: {sun: "10:00-11:00"}, closed: busy, keys: {1: wish},
   strategy: ring_all, keep_place: 0s, blocked: ["+4670*"]`

// TestRulesEditedDuringACallChangeNothingForIt plays every scenario of one call again, and has all rules of the tenant changed as soon as
// a receptionist has answered: the transcript must be the same to the last line.
func TestRulesEditedDuringACallChangeNothingForIt(t *testing.T) {
	later := []string{"hand-back-to-the-head", "phone-calls-out", "phone-consults-without"} // what they do begins after the edit
	played := 0
	for _, group := range [][]scene{phone, console, colleagues, parking, limits} {
		for _, c := range group {
			if slices.ContainsFunc(later, func(name string) bool { return strings.HasPrefix(c.name, name) }) {
				continue
			}
			_, agents, _ := strings.Cut(c.tenants, "agents:\n - ")
			edited := strings.Replace(world(everythingElse, strings.Split(strings.TrimSpace(agents), "\n - ")...), "Acme AB", "Ny AB", 1)
			played++
			t.Run(c.name, func(t *testing.T) {
				want, err := os.ReadFile(filepath.Join("testdata", c.name+".txt"))
				if err != nil {
					t.Fatal(err)
				}
				if got := playEdited(t, c.tenants, edited, c.play); got != string(want) {
					t.Errorf("with other rules\n--- got\n%s--- want\n%s", got, want)
				}
			})
		}
	}
	if played < 50 {
		t.Errorf("%d scenarios", played)
	}
}
