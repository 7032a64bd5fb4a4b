package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"time"
)

// Role is the environment variable that makes a test binary be a generator: its TestMain calls Serve where it is set.
const Role = "TELEFONIST_LOAD_GENERATOR"

// Spec says what a generator does in one run.
type Spec struct {
	// Streams are sent, 50 packets a second each. Without any the generator listens only.
	Streams []Stream
	// Reports has a sender report of RTCP sent for each stream every 5 s, to the port above.
	Reports bool
	// Warm is how long streams are sent before the measured time begins, Measure how long that is.
	Warm, Measure time.Duration
}

// Stream is one direction of a call, as its sender sees it.
type Stream struct {
	From netip.AddrPort // an address of Generator.Far
	To   netip.AddrPort // where to send
}

// Result is what was seen of the packets sent in the measured time.
type Result struct {
	// Sent, Received and Disordered count packets: those sent, those that came back, and those of them that came after a
	// later one or twice.
	Sent, Received, Disordered int
	// P50, P99 and Max are of the delay from sending to arrival.
	P50, P99, Max time.Duration
	// Packets counts whatever arrived from anybody, Sources with how many SSRCs.
	Packets, Sources int
	// SpacingP99 and SpacingMax are of how far the time between two packets of a source was from 20 ms.
	SpacingP99, SpacingMax time.Duration
}

// Lost is how many packets never came back.
func (r Result) Lost() int { return r.Sent - r.Received }

// Generator is a running generator process.
type Generator struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	ports []uint16
}

// Start runs this test binary again as a generator with so many sockets.
func Start(sockets int) (*Generator, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	cmd := exec.Command(exe)
	// Its two locked threads make raw system calls only, so that Go's scheduler has nothing to do but to leave them alone.
	cmd.Env = append(os.Environ(), Role+"=1", "GOMAXPROCS=4", "GODEBUG=asyncpreemptoff=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	g := &Generator{cmd: cmd, in: in, out: bufio.NewReader(out)}
	if err := g.ask(opening{Sockets: sockets}, &g.ports); err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

// opening is the first line to a generator.
type opening struct {
	Sockets int
}

func (g *Generator) ask(question, answer any) error {
	line, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("load: %w", err)
	}
	if _, err := g.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("load: ask the generator: %w", err)
	}
	return g.read(answer)
}

func (g *Generator) read(answer any) error {
	line, err := g.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("load: the generator is gone: %w", err)
	}
	if err := json.Unmarshal(line, answer); err != nil {
		return fmt.Errorf("load: generator said %q: %w", line, err)
	}
	return nil
}

// Far is the address of the n-th far side, from 0 to 65534, where its RTP goes and comes from; RTCP has the port above. No two have the
// same, although they share few sockets: those are bound at all addresses, and 127.128.0.0/16 is every machine's own.
func (g *Generator) Far(n int) netip.AddrPort {
	ip := netip.AddrFrom4([4]byte{127, 128, byte((n + 1) >> 8), byte(n + 1)})
	return netip.AddrPortFrom(ip, g.ports[n%len(g.ports)])
}

// Run sends streams and waits for the end. begin and end are called as the measured time begins and ends.
func (g *Generator) Run(s Spec, begin, end func()) (Result, error) {
	var step string
	if err := g.ask(s, &step); err != nil {
		return Result{}, err
	}
	begin()
	if err := g.read(&step); err != nil {
		return Result{}, err
	}
	end()
	var r Result
	err := g.read(&r)
	return r, err
}

// Close ends the process and waits for it.
func (g *Generator) Close() error {
	g.in.Close()
	err := g.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("load: generator: %w", err)
	}
	return err
}
