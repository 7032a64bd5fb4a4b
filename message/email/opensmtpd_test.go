package email

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"telefonist/record"
)

// Debian's OpenSMTPD takes e-mail for its own domain and refuses to relay to others: another hand's reading of RFC 5321.
// It needs to be root, and is one of its kind on a machine.
func TestOpenSMTPDTakesWhatItShould(t *testing.T) {
	const program = "/usr/sbin/smtpd"
	if _, err := os.Stat(program); err != nil || os.Geteuid() != 0 {
		t.Skip("OpenSMTPD is not installed, or the test does not run as root")
	}
	if conn, err := net.Dial("unix", "/var/run/smtpd.sock"); err == nil {
		conn.Close()
		t.Skip("OpenSMTPD is running already")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	conf := filepath.Join(t.TempDir(), "smtpd.conf")
	text := fmt.Sprintf("listen on 127.0.0.1 port %d\naction \"drop\" mda \"cat >/dev/null\"\nmatch from any for domain \"acme.example\" action \"drop\"\nmatch from local for domain \"acme.example\" action \"drop\"\n", port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-d", "-f", conf)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait()
	}()
	r := &relay{port: port}
	g := gateway(t, r.config(None))
	o := outgoing()
	o.Message.To.Address = "nobody@acme.example"
	deadline := time.Now().Add(20 * time.Second)
	for {
		if _, err = g.Send(t.Context(), o); err == nil || !failure(t, err).Gateway || time.Now().After(deadline) {
			break
		}
		select { // until it listens
		case <-time.After(50 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
	if err != nil {
		t.Fatalf("%+v", failure(t, err))
	}
	o = outgoing()
	o.Message.To = record.Recipient{Kind: record.ToPerson, Address: "kim@elsewhere.example"}
	_, err = g.Send(t.Context(), o)
	if f := failure(t, err); !f.Permanent || f.Gateway || f.Uncertain {
		t.Errorf("relaying: %+v", f)
	}
	o.Message.To.Address = "nobody-of-that-name@acme.example"
	_, err = g.Send(t.Context(), o)
	if f := failure(t, err); !f.Permanent {
		t.Errorf("unknown user: %+v", f)
	}
}
