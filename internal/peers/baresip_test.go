package peers

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// baresip is one softphone without a sound card: it plays a WAV file and records what it hears.
type baresip struct {
	s      *server
	name   string
	dir    string
	conn   net.Conn
	events chan map[string]any
	seen   []string
	log    string
}

// softphone says how a baresip is set up.
type softphone struct {
	name     string // of the user, and of the agent where it registers
	from     string // last byte of the address in the test's network
	port     int    // that it takes calls on (default 5060)
	ptime    int    // ms of sound in a packet (default 20)
	codecs   string // default PCMA; G722 brings its own clock: "G722/16000/1"
	mux      bool   // RTCP on the port of RTP
	secure   bool   // SRTP with keys in the description, and nothing else
	says     sound  // what it plays
	manual   bool   // answers on demand; else at once
	register bool
	outbound string // where everything is sent, where not to the server
}

const baresipConfig = `
poll_method		epoll
sip_listen		%[1]s:%[5]d
sip_trans_def		udp
call_local_timeout	120
call_max_calls		4
audio_path		/usr/share/baresip
audio_player		aubridge,sink_%[2]s
audio_source		aufile,%[3]s/says.wav
audio_alert		aubridge,alert_%[2]s
ausrc_srate		8000
auplay_srate		8000
ausrc_channels		1
auplay_channels		1
auenc_format		s16
audec_format		s16
ausrc_format		s16
auplay_format		s16
audio_buffer		20-160
rtp_tos			184
rtp_ports		61000-64998
rtcp_mux		%[7]s
jitter_buffer_type	fixed
jitter_buffer_delay	5-10
module_path		%[4]s
module			g711.so
module			g722.so
module			opus.so
module			amr.so
module			srtp.so
module			aufile.so
module			aubridge.so
module			sndfile.so
module_tmp		uuid.so
module_tmp		account.so
module_app		menu.so
module_app		debug_cmd.so
module_app		ctrl_tcp.so
ctrl_tcp_listen		%[1]s:%[6]d
snd_path		%[3]s/heard
`

// baresipModules finds where the distribution keeps them.
func baresipModules(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{"/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/local/lib/baresip/modules"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("baresip has no modules here")
	return ""
}

// softphone starts a baresip and waits until it can be told what to do; one that registers has registered.
func (s *server) softphone(p softphone) *baresip {
	s.t.Helper()
	dir, err := os.MkdirTemp("", "b") // short: baresip cuts the names of its recordings at 128 bytes
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { os.RemoveAll(dir) })
	b := &baresip{s: s, name: p.name, dir: dir, events: make(chan map[string]any, 256)}
	addr := s.net + p.from
	p.port, p.ptime = cmp.Or(p.port, 5060), cmp.Or(p.ptime, 20)
	control := p.port - 5060 + 4444
	if p.codecs == "" {
		p.codecs = "PCMA"
	}
	if !strings.Contains(p.codecs, "/") {
		p.codecs += "/8000/1"
	}
	mode, interval := "auto", 0
	if p.manual {
		mode = "manual"
	}
	encryption := ""
	if p.secure {
		encryption = ";mediaenc=srtp-mand"
	}
	host := addr
	if p.register {
		interval, host = 60, s.net+"1"
	}
	if p.outbound == "" {
		p.outbound = s.net + "1:5060"
	}
	if err := os.MkdirAll(filepath.Join(b.dir, "heard"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	p.says.write(s.t, filepath.Join(b.dir, "says.wav"))
	file := func(name, text string) {
		if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	file("config", fmt.Sprintf(baresipConfig, addr, p.name, b.dir, baresipModules(s.t), p.port, control, map[bool]string{false: "no", true: "yes"}[p.mux]))
	file("accounts", fmt.Sprintf("<sip:%s@%s>;auth_user=%[1]s;auth_pass=%[1]s-secret;outbound=\"sip:%[3]s;transport=udp\";regint=%[4]d;audio_codecs=%[5]s;answermode=%[6]s;ptime=%[8]d%[7]s\n",
		p.name, host, p.outbound, interval, p.codecs, mode, encryption, p.ptime))
	file("contacts", "")
	file("uuid", fmt.Sprintf("00000000-0000-4000-8000-%010d%02s", p.port, p.from)) // no newline: baresip puts it into its Contact
	b.log = filepath.Join(b.dir, "log")
	log, err := os.Create(b.log)
	if err != nil {
		s.t.Fatal(err)
	}
	// baresip sends RTP from a socket bound to no address, which on loopback means from 127.0.0.1: so that is what it must
	// offer, or the server would rightly take its audio for a stranger's. Its signalling has the test's own network.
	cmd := exec.Command("baresip", "-4", "-n", "127.0.0.1", "-f", b.dir, "-s")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		log.Close()
		close(exited)
	}()
	s.t.Cleanup(func() {
		if b.conn != nil {
			b.conn.Close()
		}
		_ = cmd.Process.Kill() // SIGTERM would wait for the registrar
		<-exited
		if s.t.Failed() {
			text, _ := os.ReadFile(b.log)
			s.t.Logf("baresip %s: events %v\n%s", b.name, b.seen, tail(text, 4<<10))
		}
	})
	s.await("baresip "+p.name, func() bool {
		b.conn, err = net.DialTimeout("tcp", fmt.Sprint(addr, ":", control), time.Second)
		return err == nil
	})
	go b.read()
	if p.register {
		s.await(p.name+" to be registered", b.registered)
	}
	return b
}

// registered reports whether the server has its contact; asked of baresip, whose event may have come before we listened.
func (b *baresip) registered() bool {
	text, _ := os.ReadFile(b.log)
	return strings.Contains(string(text), "200 OK")
}

// read takes netstrings with JSON: events and answers.
func (b *baresip) read() {
	defer close(b.events)
	r := bufio.NewReader(b.conn)
	for {
		size, err := r.ReadString(':')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(size, ":"))
		if err != nil {
			return
		}
		body := make([]byte, n+1)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		var ev map[string]any
		if json.Unmarshal(body[:n], &ev) == nil {
			b.events <- ev
		}
	}
}

// next waits for the first event or answer that fits.
func (b *baresip) next(what string, fits func(map[string]any) bool) map[string]any {
	b.s.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case ev, ok := <-b.events:
			if !ok {
				b.s.t.Fatalf("baresip %s ended while waiting for %s", b.name, what)
			}
			b.seen = append(b.seen, fmt.Sprint(ev["type"], " ", ev["param"]))
			if fits(ev) {
				return ev
			}
		case <-deadline:
			b.s.t.Fatalf("baresip %s: gave up waiting for %s", b.name, what)
		}
	}
}

// event waits for an event of a type and returns its parameter.
func (b *baresip) event(kind string) string {
	b.s.t.Helper()
	param, _ := b.next(kind, func(ev map[string]any) bool { return ev["type"] == kind })["param"].(string)
	return param
}

// do gives a command and waits until it is carried out.
func (b *baresip) do(command, params string) {
	b.s.t.Helper()
	m, _ := json.Marshal(map[string]string{"command": command, "params": params, "token": command})
	if _, err := fmt.Fprintf(b.conn, "%d:%s,", len(m), m); err != nil {
		b.s.t.Fatal(err)
	}
	ev := b.next("answer to "+command, func(ev map[string]any) bool { return ev["token"] == command })
	if ok, _ := ev["ok"].(bool); !ok {
		b.s.t.Fatalf("baresip %s %s %s: %v", b.name, command, params, ev)
	}
}

// awaitLog waits until it has written something down.
func (b *baresip) awaitLog(text string) {
	b.s.t.Helper()
	b.s.await(fmt.Sprintf("%s to say %q", b.name, text), func() bool {
		log, _ := os.ReadFile(b.log)
		return strings.Contains(string(log), text)
	})
}

// heard is what the softphone recorded in its latest call, which has ended.
func (b *baresip) heard() sound {
	b.s.t.Helper()
	return readWAV(b.s.t, b.recording())
}

func (b *baresip) recording() string {
	b.s.t.Helper()
	files, _ := filepath.Glob(filepath.Join(b.dir, "heard", "dump-*-dec.wav"))
	if len(files) == 0 {
		b.s.t.Fatalf("baresip %s recorded nothing", b.name)
	}
	return files[len(files)-1]
}

// awaitHeard waits until the running recording has grown by d: audio goes on in real time, and this is its clock.
func (b *baresip) awaitHeard(d time.Duration) {
	b.s.t.Helper()
	size := func() int64 {
		files, _ := filepath.Glob(filepath.Join(b.dir, "heard", "dump-*-dec.wav"))
		if len(files) == 0 {
			return 0
		}
		st, err := os.Stat(files[len(files)-1])
		if err != nil {
			return 0
		}
		return st.Size()
	}
	until := size() + int64(d*2*rate/time.Second)
	b.s.await(fmt.Sprintf("%s to hear %v more", b.name, d), func() bool { return size() >= until })
}
