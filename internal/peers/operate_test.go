package peers

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"telefonist/calendar"
)

// columns is the first line of an export: others read it by these names.
const columns = "call_id,tenant,number,common_number,caller,agent,received_at,answered_at,ended_at,waited_ms,handled_ms,outcome,mediated,tariff,period,over_45s,amount_ore,plan,corrects"

// try runs the command line and returns its exit code and what it printed.
func (s *server) try(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	cmd := exec.Command(binary(s.t), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestTheCommandLineReadsCallsWhileTheServerRunsAndWhenItDoesNot(t *testing.T) {
	s := oneAgent(t, setup{})
	phone := s.phone("phone-answer", "21", play{})
	s.dial("trunk-call", play{pause: 2 * time.Second}).wait()
	phone.wait()
	id := s.awaitCalls(1)[0].CallID
	data := filepath.Join(s.dir, "data")
	st, err := os.Stat(filepath.Join(data, "admin.sock"))
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("admin socket: %v, %v", st.Mode(), err)
	}
	if st, err := os.Stat(data); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("folder of the store: %v, %v", st.Mode(), err)
	}
	s.commandLine("while the server runs", id, "--config", s.config)
	running := s.cli("calls", "export", "--config", s.config)
	if code, out, _ := s.try("agents", "list", "--config", s.config); code != 0 || !strings.Contains(out, "anna") {
		t.Errorf("agents list: %d\n%s", code, out)
	}
	s.terminate()
	if err := s.awaitExit(); err != nil {
		t.Errorf("exit: %v", err)
	}
	s.commandLine("when it does not", id, "--store", data)
	if stopped := s.cli("calls", "export", "--store", data); stopped != running {
		t.Errorf("export differs:\n%s\n%s", running, stopped)
	}
	if code, _, text := s.try("agents", "list", "--store", data); code != 1 || !strings.Contains(text, "while the server runs") {
		t.Errorf("agents list without a server: %d %s", code, text)
	}
}

// commandLine tries the commands that read calls. where is how the store is named.
func (s *server) commandLine(when, id string, where ...string) {
	s.t.Helper()
	day := time.Now().In(calendar.Stockholm()).Format(time.DateOnly)
	for _, c := range []struct {
		args []string
		code int
		want string // in what is printed
	}{
		{[]string{"calls", "list"}, 0, id},
		{[]string{"calls", "list", "--tenant", "acme", "--from", "2020-01-01", "--limit", "5"}, 0, id},
		{[]string{"calls", "list", "--tenant", "nobody"}, 0, "RECEIVED"},
		{[]string{"calls", "show", id}, 0, "answered"},
		{[]string{"calls", "export", "--format", "csv", "--from", "2020-01-01", "--to", day}, 0, id + ",acme,+46850000001,+4684000001,+46701740605,anna,"},
		{[]string{"calls", "export", "--format", "json"}, 0, `"call_id":"` + id + `"`},
		{[]string{"calls", "show", "01ARZ3NDEKTSV4RRFFQ69G5FAV"}, 4, "no call"},
		{[]string{"calls", "export", "--format", "xml"}, 2, "xml"},
		{[]string{"calls", "list", "--from", "yesterday"}, 2, "yesterday"},
		{[]string{"calls", "show"}, 2, "arg"},
		{[]string{"calls", "list", "--nonsense"}, 2, "nonsense"},
	} {
		code, out, errs := s.try(append(c.args, where...)...)
		if all := out + errs; code != c.code || !strings.Contains(strings.ReplaceAll(all, `": "`, `":"`), c.want) {
			s.t.Errorf("%s: %v: exit code %d, want %d and %q:\n%s", when, c.args, code, c.code, c.want, all)
		}
	}
	head, _, _ := strings.Cut(s.cli(append([]string{"calls", "export"}, where...)...), "\n")
	if strings.TrimRight(head, "\r") != columns {
		s.t.Errorf("%s: the export begins with\n%s", when, head)
	}
}

func TestCheckTellsEveryErrorWithItsPlace(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}})
	if code, out, errs := s.try("check", "--config", s.config); code != 0 {
		t.Errorf("a correct file: %d %s%s", code, out, errs)
	}
	s.write("bad.yaml", "sip: {listen: [\"udp://nowhere\"]}\nmedia: {prots: 1-2}\nqueue:\n  wrap_up: soon\n")
	code, out, errs := s.try("check", "--config", filepath.Join(s.dir, "bad.yaml"))
	all := out + errs
	if code != 3 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"bad.yaml:1:", "bad.yaml:2:", "ports", "bad.yaml:4:"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
	if code, _, _ := s.try("serve", "--config", filepath.Join(s.dir, "bad.yaml")); code != 3 {
		t.Errorf("serve with a bad file: exit code %d", code)
	}
	if code, _, _ := s.try("check", "--config", filepath.Join(s.dir, "none.yaml")); code != 3 {
		t.Errorf("check of no file: exit code %d", code)
	}
}

const nordvik = `  - {id: nordvik, name: Nordvik Bygg HB, number: "+46850000002", trunk: pbx}
`

// hangup asks for the configuration to be read again and waits until the log tells how it went.
func (s *server) hangup(outcome string) {
	s.t.Helper()
	logged := func() int {
		text, err := os.ReadFile(s.log.Name())
		if err != nil {
			s.t.Fatal(err)
		}
		return strings.Count(string(text), outcome)
	}
	before := logged()
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	s.await(outcome, func() bool { return logged() > before })
}

func TestSIGHUPTakesTenantsInAndOut(t *testing.T) {
	t.Parallel()
	s := newServer(t, setup{agents: []string{"anna"}})
	s.dial("trunk-unknown", play{service: "+46850000002"}).wait()
	text, err := os.ReadFile(filepath.Join(s.dir, "tenants.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	both := strings.Replace(string(text), "agents:\n", nordvik+"agents:\n", 1)
	s.write("tenants.yaml", both)
	s.hangup("configuration read again")
	s.dial("trunk-call", play{port: 5061, service: "+46850000002", pause: 100 * time.Millisecond}).wait()
	if c := s.awaitCalls(1)[0]; c.Tenant != "nordvik" {
		t.Errorf("record %+v", c)
	}
	s.dial("trunk-call", play{port: 5062, pause: 100 * time.Millisecond}).wait()
	s.awaitCalls(2)

	s.write("tenants.yaml", strings.Replace(both, "number: \"+46850000001\"", "numbr: \"+46850000001\"", 1))
	s.hangup("configuration not changed")
	s.dial("trunk-call", play{port: 5063, service: "+46850000002", pause: 100 * time.Millisecond}).wait()
	s.awaitCalls(3)

	s.write("tenants.yaml", string(text))
	s.hangup("configuration read again")
	s.dial("trunk-unknown", play{port: 5064, service: "+46850000002"}).wait()
	s.dial("trunk-call", play{port: 5065, pause: 100 * time.Millisecond}).wait()
	s.awaitCalls(4) // the records of the tenant that was taken out stay
	if out := s.cli("calls", "list", "--tenant", "nordvik", "--config", s.config); strings.Count(out, "nordvik") != 2 {
		t.Errorf("calls of a tenant that was taken out:\n%s", out)
	}

	s.write("tenants.yaml", both) // and is the same one when it comes back
	s.hangup("configuration read again")
	s.dial("trunk-call", play{port: 5066, service: "+46850000002", pause: 100 * time.Millisecond}).wait()
	s.awaitCalls(5)
}

func TestSIGHUPChangesWhoMayRegister(t *testing.T) {
	s := oneAgent(t, setup{})
	text, err := os.ReadFile(filepath.Join(s.dir, "tenants.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("tenants.yaml", strings.Replace(string(text), "anna-secret", "another-secret", 1))
	s.hangup("configuration read again")
	s.awaitAgents(0, "available") // the phone of the old password is gone
	s.sipp(play{scenario: "phone-wrong", from: "21", port: 5070, service: "anna", args: []string{"-au", "anna", "-ap", "anna-secret"}}).wait()
	s.sipp(play{scenario: "phone-register", from: "21", port: 5070, service: "anna", args: []string{"-au", "anna", "-ap", "another-secret"}}).wait()
	s.awaitAgents(1, "available")
}
