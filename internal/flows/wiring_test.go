package flows

import (
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"telefonist/call"
	"telefonist/config"
	"telefonist/directory"
	"telefonist/queue"
	"telefonist/sip"
	"telefonist/sip/registrar"
	"telefonist/sip/wire"
	"telefonist/store"
	"telefonist/switchboard"
)

const (
	serverAddr = "192.0.2.1:5060"
	pbxHost    = "192.0.2.10"
	// mainFile is the server's configuration beside tenants and agents.
	mainFile = `
trunks: [{name: pbx, allow: [192.0.2.10], target: "sip:192.0.2.10:5060"}]
groups: {norr: Norr, jour: Jour}
`
)

// open wires the server as app does, but for the sockets of audio and HTTP.
func (s *stage) open(folder, tenants string) {
	s.configure(tenants)
	var err error
	if s.store, err = store.Open(folder, store.Options{MaxDelay: -1, Logger: s.quiet}); err != nil {
		s.t.Fatal(err)
	}
	s.board = switchboard.New(switchboard.Config{Store: &hanging{Store: s.store, gates: s.gates}, Directory: s.dir(), Limits: s.limits(), Codes: s.codes(), Observe: s.observe,
		Away: func(tenant string, set directory.Switch, _ string, done func(error)) {
			s.switched(tenant, set)
			done(nil)
		}, Logger: s.quiet})
	s.sound = newSound(s.board, s.said, s.gates)
	reg := registrar.New(registrar.Config{Credentials: credentials{s}, OnChange: s.board.Registered, Logger: s.quiet})
	s.net.Hook(newWay().fate)
	s.net.Tap(s.said.packet)
	trunk, err := sip.ParseAllow(pbxHost)
	if err != nil {
		s.t.Fatal(err)
	}
	s.sip, err = sip.New(sip.Config{
		Wire:   wire.Config{UserAgent: "telefonist", PacketConns: []net.PacketConn{clogged{s.net.MustListen(serverAddr), s.gates}}},
		Trunks: []sip.Trunk{{Name: "pbx", Allow: []sip.Allow{trunk}, Target: "sip:" + pbxHost}},
		Poster: poster{s}, Media: s.sound, Phones: sip.Registered(reg), Logger: s.quiet, Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.board.Connect(signals{s}, s.sound)
	s.loops.Go(func() { s.board.Run(s.ctx) })
	s.loops.Go(func() { reg.Run(s.ctx) })
	s.sip.Start(nil)
}

func (s *stage) configure(tenants string) {
	cfg, err := config.LoadBytes("flows.yaml", []byte(mainFile), []byte(tenants))
	if err != nil {
		s.t.Fatal(err)
	}
	_, dir, err := cfg.Apply(config.State{Tenants: map[string]config.TenantState{}, Agents: map[string]config.AgentState{}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.cfg = cfg
	s.now.Store(dir)
}

// dir is the directory that holds now. The registrar asks for it while a scenario edits it.
func (s *stage) dir() *directory.Directory { return s.now.Load() }

func (s *stage) limits() queue.Limits {
	return queue.Limits{Misses: s.cfg.Queue.MaxMisses, Again: s.cfg.Queue.RetryAfter}
}

// switched is what a tenant's own receptionists have set, by the portal, the API or a code.
func (s *stage) switched(tenant string, set directory.Switch) {
	s.now.Store(s.dir().WithSwitch(tenant, set))
	s.board.SetDirectory(s.dir(), s.limits())
}

func (s *stage) codes() switchboard.Codes {
	c := s.cfg.Codes
	return switchboard.Codes{
		switchboard.CodeLogin: string(c.Login), switchboard.CodeLogout: string(c.Logout), switchboard.CodePause: string(c.Pause),
		switchboard.CodeResume: string(c.Resume), switchboard.CodePark: string(c.Park), switchboard.CodePickUp: string(c.PickUp),
		switchboard.CodeHandBack: string(c.HandBack), switchboard.CodeAwayOn: string(c.AwayOn), switchboard.CodeAwayOff: string(c.AwayOff),
		switchboard.CodeTakeBack: string(c.TakeBack), switchboard.CodeColleague: string(c.Colleague), switchboard.CodeGroup: string(c.Group),
		switchboard.CodeSupervisor: string(c.Supervisor), switchboard.CodeCall: string(c.Call),
	}
}

type credentials struct{ *stage }

func (c credentials) Lookup(user string) (agent, password string, ok bool) {
	agent, secret, ok := c.dir().Credentials(user)
	return agent, string(secret), ok
}

// poster and signals stand between SIP and the switchboard and learn whose leg is whose.
type poster struct{ *stage }

func (p poster) Post(leg call.LegID, at time.Time, ev call.Event) bool {
	switch ev := ev.(type) {
	case call.Arrived:
		p.said.leg(leg, p.said.caller(ev.Caller.Number))
	case call.Dialled:
		p.said.leg(leg, ev.Agent)
	}
	return p.board.Post(leg, at, ev)
}

type signals struct{ *stage }

func (g signals) Do(cmd call.SignalCommand) {
	if d, is := cmd.(call.Dial); is {
		name := g.said.caller(d.To.Number)
		if name == "" {
			name = d.To.Agent
		}
		g.said.leg(d.Leg, name)
	}
	g.sip.Do(cmd)
}
