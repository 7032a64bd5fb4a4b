package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"telefonist/tariff"
)

// write makes a folder with the files given as name, content, name, content…
func write(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func errorsOf(t *testing.T, err error) Errors {
	t.Helper()
	var errs Errors
	if err != nil && !errors.As(err, &errs) {
		t.Fatalf("error is %T: %v", err, err)
	}
	return errs
}

func TestDefaultsAreThoseOfAnEmptyFile(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing\n", "---\n", "sip:\nmedia: {}\ntrunks:\n"} {
		c, err := Parse("x.yaml", []byte(text))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		c.src = nil
		if want := Default(); !reflect.DeepEqual(c, want) {
			t.Errorf("%q: got %+v, want %+v", text, c, want)
		}
	}
}

func TestFilesOfWindowsAreRead(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(testdata, "telefonist.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := Parse("x.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse("x.yaml", []byte("\ufeff"+strings.ReplaceAll(string(data), "\n", "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	if got.src, want.src = nil, nil; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if _, err := Parse("x.yaml", []byte("log: {}\n# f\xf6rs\xe4ljning\n")); err == nil || !strings.HasPrefix(err.Error(), "x.yaml:2:1: a letter here is not UTF-8") {
		t.Errorf("Latin-1: %v", err)
	}
}

// The configuration that the documentation promises, as it stands there.
func TestKeysThatWereKeptAreReadInBraces(t *testing.T) {
	c, err := Parse("x.yaml", []byte(`
sip:    {listen: [udp://0.0.0.0:5060, tcp://0.0.0.0:5060], external_address: ""}
media:  {address: 0.0.0.0, ports: 10000-31999}
web:    {listen: 127.0.0.1:8080, external_url: "", tls: {}, trusted_proxies: []}   # /metrics
store:  {dir: data}
trunks: [{name: icentrex, allow: [192.0.2.0/24, "192.0.2.7:5070"], target: "sip:pbx.example:5060"}]
provision: [tenants.yaml]
`))
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	if !reflect.DeepEqual(c.SIP, want.SIP) || !reflect.DeepEqual(c.Media, want.Media) || c.Web.Listen != want.Web.Listen ||
		fmt.Sprint(c.Trunks[0].Allow, c.Trunks[0].Target, c.Provision) != "[192.0.2.0/24 192.0.2.7:5070] sip:pbx.example:5060 [tenants.yaml]" {
		t.Errorf("got %+v", c)
	}
}

func TestPathsAreRelativeToTheFileThatNamesThem(t *testing.T) {
	c, err := Parse("etc/telefonist/x.yaml", []byte(`
store: {dir: data}
web: {tls: {cert: a.pem, key: /k.pem}}
media: {prompts: {music: m.wav}}
provision: [../t.yaml]
`))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{c.Store.Dir, c.Web.TLS.Cert, c.Web.TLS.Key, c.Media.Prompts["music"], c.Provision[0]}
	want := []string{"etc/telefonist/data", "etc/telefonist/a.pem", "/k.pem", "etc/telefonist/m.wav", "etc/t.yaml"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestErrorsOfOtherRoomsHaveTheirLine(t *testing.T) {
	c, err := Parse("x.yaml", []byte("media:\n  prompts:\n    hold: a.wav\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Errorf("media.prompts.hold", "there is no prompt hold", "write music").Error(); got !=
		"x.yaml:3:11: media.prompts.hold: there is no prompt hold; write music" {
		t.Error(got)
	}
	if got := Default().Errorf("sip.listen", "p", "f").Error(); got != "defaults:1:1: sip.listen: p; f" {
		t.Error(got)
	}
}

func TestFilesThatAreMissingAreSaid(t *testing.T) {
	dir := write(t, "x.yaml", "web: {tls: {cert: no.pem, key: no.key}}\nmedia:\n  prompts: {music: no.wav}\nprovision: [.]\n")
	_, err := Load(filepath.Join(dir, "x.yaml"))
	errs := errorsOf(t, err)
	if len(errs) != 4 || errs[0].Line != 1 || errs[2].Path != "media.prompts.music" || errs[3].Line != 4 {
		t.Errorf("got %v", err)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml")); len(errorsOf(t, err)) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestPasswordFiles(t *testing.T) {
	const main = "trunks: [{name: pbx, allow: [192.0.2.7], target: \"sip:192.0.2.7\", username: u, password_file: trunk.txt}]\n" +
		"provision: [t.yaml]\n"
	dir := write(t, "x.yaml", main, "trunk.txt", "of the trunk\r\n", "anna.txt", "of anna's phone\n",
		"t.yaml", "agents: [{id: anna, extension: 101, password_file: anna.txt}]\n")
	file := filepath.Join(dir, "x.yaml")
	c, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	_, d, err := c.Apply(State{})
	if err != nil {
		t.Fatal(err)
	}
	if _, password, _ := d.Credentials("101"); string(password) != "of anna's phone" || string(c.Trunks[0].Password) != "of the trunk" {
		t.Error("a password was not read as written")
	}
	if c.Warnings() != nil {
		t.Errorf("warnings: %v", c.Warnings())
	}
	for want, spoil := range map[string]func(string) error{
		"run chmod 600": func(f string) error { return os.Chmod(f, 0o644) },
		"more than one": func(f string) error { return os.WriteFile(f, []byte("of anna's phone\nor so\n"), 0o600) },
		"is empty":      func(f string) error { return os.WriteFile(f, []byte("\n"), 0o600) },
		"shorter than":  func(f string) error { return os.WriteFile(f, []byte("abc\n"), 0o600) },
		"no such file":  os.Remove,
	} {
		agent := filepath.Join(dir, "anna.txt")
		if err := spoil(agent); err != nil {
			t.Fatal(err)
		}
		_, err := Load(file)
		errs := errorsOf(t, err)
		if len(errs) != 1 || !strings.Contains(errs[0].Error(), want) || errs[0].Path != "agents[0].password_file" {
			t.Errorf("%s: got %v", want, err)
		}
		os.Remove(agent)
		if err := os.WriteFile(agent, []byte("of anna's phone\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadableFileWithPasswordsIsWarnedOf(t *testing.T) {
	dir := write(t, "x.yaml", "provision: [t.yaml]\n", "t.yaml", "agents: [{id: anna, extension: 101, password: of anna's phone}]\n")
	if err := os.Chmod(filepath.Join(dir, "t.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Load(filepath.Join(dir, "x.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if w := c.Warnings(); len(w) != 1 || !strings.Contains(w[0].Fix, "chmod 600") {
		t.Errorf("warnings: %v", w)
	}
}

func TestWeakPasswordsAreRefused(t *testing.T) {
	for _, password := range []string{"", "short", "aaaaaaaaaa", "12345678", "987654321", "password1", "Anna101!", "telefonist24", "lösenord"} {
		if weak(password, "anna", "101") == "" {
			t.Errorf("%q passes", password)
		}
	}
	for _, password := range []string{"correct horse battery", "x7Gq-pp0V", "annas long password"} {
		if why := weak(password, "anna", "101"); why != "" {
			t.Errorf("%q %s", password, why)
		}
	}
}

func TestExcerptsHideWhatLooksLikeAPassword(t *testing.T) {
	for in, want := range map[string]string{
		`password: hunter2`:                          `password: *******`,
		`{id: a, "pasword": 'x, y', name: b}`:        `{id: a, "pasword": ******, name: b}`,
		`  PASSWD : "a\"b, c" # d`:                   `  PASSWD : ********* # d`,
		`{password_file: a.txt, client_secret: abc}`: `{password_file: a.txt, client_secret: ***}`,
		`lösenord_password: å ä ö`:                   `lösenord_password: *****`,
		`name: Anna`:                                 `name: Anna`,
		`password: "open`:                            `password: *****`,
	} {
		if got := hideSecrets(in); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
}

func TestConfigurationPrintsNoSecret(t *testing.T) {
	c, err := LoadBytes("x.yaml", []byte(`trunks: [{name: pbx, allow: [192.0.2.7], target: "sip:192.0.2.7", username: u, password: trunk-s3cret}]`),
		[]byte(`agents: [{id: anna, extension: 101, password: agent-s3cret}]`))
	if err != nil {
		t.Fatal(err)
	}
	state, d, err := c.Apply(State{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{c, *c, state, d.Agents(), c.Trunks, c.provisions[0].Agents} {
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{string(encoded), fmt.Sprintf("%v %+v %#v", v, v, v)} {
			if strings.Contains(text, "s3cret") {
				t.Errorf("a secret is printed: %s", text)
			}
		}
	}
}

func TestPlanFilesAreReadOverTheDefault(t *testing.T) {
	p, err := ParsePlan("p.yaml", []byte("id: gold\nincluded: 60s\nlong_after: 3m\n"))
	want := tariff.DefaultPlan()
	want.ID, want.Included, want.LongAfter = "gold", tariff.Duration(60e9), tariff.Duration(180e9)
	if err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("got %+v, %v", p, err)
	}
	if _, err := ParsePlan("p.yaml", []byte("id: gold\nmediation: sometimes\n")); err == nil ||
		err.Error() != `p.yaml:2:12: mediation: "sometimes" is no choice; write replace or add` {
		t.Errorf("got %v", err)
	}
}
