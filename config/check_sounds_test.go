package config

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestUnknownSoundsAreReportedWhereTheyStand(t *testing.T) {
	dir := write(t, "telefonist.yaml", `
trunks: [{name: pbx, allow: [192.0.2.7], target: "sip:192.0.2.7"}]
provision: [tenants.yaml]
queue:
  music: musik
  welcome: [sv-welcome, hallo]
`, "tenants.yaml", `
tenants:
  - id: acme
    number: "+46850000001"
    trunk: pbx
    music: calm
    welcome: [sv-welcome, sv-welcom]
    message: moved
    whisper: ""
  - {id: beta, number: "+46850000002", trunk: pbx, welcome: [], whisper: beta, closed_prompt: lunch, at_limit: end, limit_prompt: by, keys: {3: say hi}}
`)
	c, err := Load(filepath.Join(dir, "telefonist.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range c.CheckSounds([]string{"music", "sv-welcome", "closed", "goodbye"}) {
		got = append(got, strings.TrimPrefix(e.Error(), dir+"/"))
	}
	want := `telefonist.yaml:5:10: queue.music: there is no music "musik"; did you mean music?
telefonist.yaml:6:25: queue.welcome[1]: there is no prompt "hallo"; write a name of media.prompts, or a built-in one such as sv-welcome
tenants.yaml:6:12: tenants[0].music: there is no music "calm"; write a name of media.music, or music for the built-in one
tenants.yaml:7:27: tenants[0].welcome[1]: there is no prompt "sv-welcom"; did you mean sv-welcome?
tenants.yaml:8:14: tenants[0].message: there is no prompt "moved"; write a name of media.prompts, or a built-in one such as sv-welcome
tenants.yaml:10:74: tenants[1].whisper: there is no prompt "beta"; write a name of media.prompts, or a built-in one such as sv-welcome
tenants.yaml:10:95: tenants[1].closed_prompt: there is no prompt "lunch"; write a name of media.prompts, or a built-in one such as sv-welcome
tenants.yaml:10:131: tenants[1].limit_prompt: there is no prompt "by"; write a name of media.prompts, or a built-in one such as sv-welcome
tenants.yaml:10:145: tenants[1].keys.3: there is no prompt "hi"; write a name of media.prompts, or a built-in one such as sv-welcome`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if errs := c.CheckSounds([]string{"music", "musik", "sv-welcome", "hallo", "calm", "sv-welcom", "moved", "beta", "closed", "goodbye", "by", "lunch", "hi"}); len(errs) > 0 {
		t.Errorf("known names are refused: %v", errs)
	}
	if errs := Default().CheckSounds([]string{"music", "closed", "goodbye"}); len(errs) > 0 {
		t.Errorf("the defaults are refused: %v", errs)
	}
}
