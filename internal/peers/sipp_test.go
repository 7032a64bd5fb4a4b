package peers

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// sipp is one running SIPp.
type sipp struct {
	t      *testing.T
	name   string
	cmd    *exec.Cmd
	out    bytes.Buffer
	exited chan error
	errors string
}

// messages is the file in which SIPp writes down every message.
func (r *sipp) messages() string { return r.errors + ".messages" }

// play describes one SIPp.
type play struct {
	scenario string // file in testdata/sipp
	from     string // last byte of the address in the test's network
	port     int
	service  string
	keys     map[string]string
	calls    int           // how many in all (default 1)
	rate     float64       // per second (default 10)
	limit    int           // at the same time (default: as many as come)
	pause    time.Duration // what <pause/> waits
	tcp      bool
	server   bool          // plays the called side
	timeout  time.Duration // when SIPp gives up (default 50 s)
	args     []string
}

func (s *server) sipp(p play) *sipp {
	s.t.Helper()
	if p.calls == 0 {
		p.calls = 1
	}
	if p.rate == 0 {
		p.rate = 10
	}
	if p.timeout == 0 {
		p.timeout = 50 * time.Second
	}
	scenario, err := filepath.Abs(filepath.Join("..", "..", "testdata", "sipp", p.scenario+".xml"))
	if err != nil {
		s.t.Fatal(err)
	}
	run := &sipp{t: s.t, name: p.scenario, errors: filepath.Join(s.dir, fmt.Sprintf("%s-%s-%d.errors", p.scenario, p.from, p.port))}
	addr := s.net + p.from
	args := []string{s.net + "1:5060", "-sf", scenario, "-i", addr, "-mi", addr, "-p", strconv.Itoa(p.port),
		"-m", strconv.Itoa(p.calls), "-nostdin", "-trace_msg", "-message_file", run.messages(), "-trace_err", "-error_file", run.errors, "-timeout", strconv.Itoa(int(p.timeout.Seconds())) + "s", "-timeout_error",
		"-d", strconv.FormatInt(p.pause.Milliseconds(), 10)}
	if p.service != "" {
		args = append(args, "-s", p.service)
	}
	if !p.server {
		args = append(args, "-r", strconv.FormatFloat(p.rate, 'f', -1, 64))
	}
	if p.limit > 0 {
		args = append(args, "-l", strconv.Itoa(p.limit))
	}
	for k, v := range p.keys {
		args = append(args, "-key", k, v)
	}
	if p.tcp {
		args = append(args, "-t", "t1")
	}
	args = append(args, p.args...)
	run.cmd = exec.Command("sipp", args...)
	run.cmd.Dir = s.dir
	run.cmd.Stdout, run.cmd.Stderr = &run.out, &run.out
	if err := run.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	run.exited = make(chan error, 1)
	go func() { run.exited <- run.cmd.Wait() }()
	s.t.Cleanup(func() {
		_ = run.cmd.Process.Kill()
		select {
		case <-run.exited:
		case <-time.After(10 * time.Second):
		}
	})
	return run
}

// wait waits until SIPp has ended and saw what its scenario expects.
func (r *sipp) wait() {
	r.t.Helper()
	select {
	case err := <-r.exited:
		r.exited <- err
		if err != nil {
			seen, _ := os.ReadFile(r.messages())
			r.t.Fatalf("sipp %s: %v\n%s\n%s", r.name, err, tail(seen, 6000), tail(r.out.Bytes(), 3000))
		}
	case <-time.After(patience):
		r.t.Fatalf("sipp %s did not end", r.name)
	}
}

// stop ends SIPp before its scenario is through.
func (r *sipp) stop() {
	_ = r.cmd.Process.Kill()
	select {
	case err := <-r.exited:
		r.exited <- err
	case <-time.After(patience):
		r.t.Fatalf("sipp %s does not end", r.name)
	}
}

// register registers the phone of an agent from the address and port where its scenario will be played.
func (s *server) register(agent, from string) {
	s.t.Helper()
	s.sipp(play{scenario: "phone-register", from: from, port: 5070, service: agent, args: []string{"-au", agent, "-ap", agent + "-secret"}}).wait()
}

// dial places calls on the trunk to the tenant's number.
func (s *server) dial(scenario string, p play) *sipp {
	p.scenario, p.from = scenario, "10"
	if p.port == 0 {
		p.port = 5060
	}
	if p.service == "" {
		p.service = "+46850000001"
	}
	if p.keys == nil {
		p.keys = map[string]string{}
	}
	if p.keys["caller"] == "" {
		p.keys["caller"] = "0701740605"
	}
	return s.sipp(p)
}

// phone plays an agent's phone that has registered.
func (s *server) phone(scenario, from string, p play) *sipp {
	p.scenario, p.from, p.port, p.server = scenario, from, 5070, true
	return s.sipp(p)
}
