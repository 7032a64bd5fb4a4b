package config

import (
	"net/netip"
	"time"

	"telefonist/call"
	"telefonist/directory"
	"telefonist/tariff"
)

// Config is the whole configuration. Default says what holds where nothing is written; Reference explains every key.
// Paths are absolute or relative to the working directory once it is loaded: what is written relative to the file has the
// file's folder before it.
type Config struct {
	SIP    SIP     `yaml:"sip"`
	Media  Media   `yaml:"media"`
	Web    Web     `yaml:"web"`
	Store  Store   `yaml:"store"`
	Log    Log     `yaml:"log"`
	Queue  Queue   `yaml:"queue"`
	Trunks []Trunk `yaml:"trunks"`
	Codes  Codes   `yaml:"codes"`
	Alarms Alarms  `yaml:"alarms"`
	// Groups are the groups of agents by id, with their names.
	Groups map[string]string `yaml:"groups"`

	Messages Messages `yaml:"messages"`

	// Plans are the price lists. A plan named "default" is always there. DefaultPlan is that of tenants that name none.
	Plans       []tariff.Plan `yaml:"plans"`
	DefaultPlan string        `yaml:"default_plan"`

	Provision    []string      `yaml:"provision"`
	DrainTimeout time.Duration `yaml:"drain_timeout" max:"24h"`

	src        *source
	provisions []*Provision
}

// SIP is the signalling side.
type SIP struct {
	Listen          []Listen      `yaml:"listen"`
	ExternalAddress Addr          `yaml:"external_address"`
	UnknownSource   string        `yaml:"unknown_source" enum:"drop|answer"`
	Realm           string        `yaml:"realm"`
	Digest          string        `yaml:"digest" enum:"both|md5|sha-256"`
	SessionExpires  time.Duration `yaml:"session_expires" min:"90s" max:"24h"`
	RegisterMin     time.Duration `yaml:"register_min" min:"10s" max:"1h"`
	RegisterMax     time.Duration `yaml:"register_max" min:"1m" max:"24h"`
}

// Media is the audio side.
type Media struct {
	Address         Addr              `yaml:"address"`
	ExternalAddress Addr              `yaml:"external_address"`
	Ports           Ports             `yaml:"ports"`
	Timeout         MediaTimeout      `yaml:"timeout"`
	Codecs          []Codec           `yaml:"codecs"`
	Prompts         map[string]string `yaml:"prompts"`
	Music           map[string]string `yaml:"music"`
}

// MediaTimeout says how long the far side of a leg may send no audio before its call is ended.
type MediaTimeout struct {
	First  time.Duration `yaml:"first" min:"1s" max:"10m" off:"zero"`
	Steady time.Duration `yaml:"steady" min:"1s" max:"10m" off:"zero"`
}

// Web is the HTTP side.
type Web struct {
	Listen         HostPort  `yaml:"listen"`
	ExternalURL    URL       `yaml:"external_url"`
	TLS            TLS       `yaml:"tls"`
	TrustedProxies []Network `yaml:"trusted_proxies"`
}

// TLS names the server's certificate; both files or none.
type TLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Store is what is kept on disk.
type Store struct {
	Dir     string `yaml:"dir"`
	KeyFile string `yaml:"key_file"`
}

// Log is what is written to standard error.
type Log struct {
	Level  string `yaml:"level" enum:"debug|info|warn|error"`
	Format string `yaml:"format" enum:"text|json"`
}

// Queue holds the pool's settings and what tenants have that say nothing else.
type Queue struct {
	Answer         string        `yaml:"answer" enum:"queue|ring"`
	RingFor        time.Duration `yaml:"ring_for" min:"1s" max:"3m"`
	MaxWait        time.Duration `yaml:"max_wait" max:"24h"`
	MaxQueue       int           `yaml:"max_queue" max:"100000"`
	Overflow       string        `yaml:"overflow" enum:"prompt|busy|wish"`
	OverflowPrompt string        `yaml:"overflow_prompt"`
	NoAgent        string        `yaml:"no_agent" enum:"wait|prompt|busy|wish"`
	Priority       int           `yaml:"priority" min:"-100" max:"100"`
	Music          string        `yaml:"music"`
	Welcome        []string      `yaml:"welcome"`
	Language       string        `yaml:"language" enum:"sv|en"`

	AnnounceAfter    time.Duration `yaml:"announce_after" max:"10m"`
	AnnouncePosition time.Duration `yaml:"announce_position" min:"15s" max:"1h" off:"zero"`
	AnnounceWait     time.Duration `yaml:"announce_wait" min:"15s" max:"1h" off:"zero"`

	RingTimeout time.Duration `yaml:"ring_timeout" min:"1s" max:"3m"`
	RecallAfter time.Duration `yaml:"recall_after" min:"1s" max:"3m"`
	WrapUp      time.Duration `yaml:"wrap_up" max:"1h"`
	RetryAfter  time.Duration `yaml:"retry_after" max:"1h"`
	MaxMisses   int           `yaml:"max_misses" max:"1000"`

	PoolAfter    time.Duration      `yaml:"pool_after" max:"1h"`
	PoolWhen     int                `yaml:"pool_when" max:"1000"`
	Strategy     string             `yaml:"strategy" enum:"longest_idle|fewest_calls|round_robin|ring_all"`
	Closed       string             `yaml:"closed" enum:"prompt|busy|answer"`
	ClosedPrompt string             `yaml:"closed_prompt"`
	VIPPriority  int                `yaml:"vip_priority" max:"200"`
	KeepPlace    time.Duration      `yaml:"keep_place" max:"1h"`
	Keys         map[Digit]QueueKey `yaml:"keys"`
	AtLimit      string             `yaml:"at_limit" enum:"record|notify|end"`
	LimitPrompt  string             `yaml:"limit_prompt"`
	HardCap      time.Duration      `yaml:"hard_cap" min:"1m" max:"24h" off:"zero"`
	ParkRecall   time.Duration      `yaml:"park_recall" min:"10s" max:"1h"`
}

// Codes are what agents dial to have something done.
type Codes struct {
	Login    DialCode `yaml:"login"`
	Logout   DialCode `yaml:"logout"`
	Pause    DialCode `yaml:"pause"`
	Resume   DialCode `yaml:"resume"`
	Park     DialCode `yaml:"park"`
	PickUp   DialCode `yaml:"pick_up"`
	HandBack DialCode `yaml:"hand_back"`
	TakeBack DialCode `yaml:"take_back"`

	Colleague  DialCode `yaml:"colleague"`
	Group      DialCode `yaml:"group"`
	Supervisor DialCode `yaml:"supervisor"`
	Call       DialCode `yaml:"call"`

	AwayOn  DialCode `yaml:"away_on"`
	AwayOff DialCode `yaml:"away_off"`
}

// Alarms are the thresholds at which supervisors are told.
type Alarms struct {
	LongestWait  time.Duration `yaml:"longest_wait" max:"24h"`
	ServiceLevel int           `yaml:"service_level" max:"100"`
	Window       time.Duration `yaml:"window" min:"1m" max:"24h"`
	Least        int           `yaml:"least" min:"1" max:"10000"`
	NoAgent      bool          `yaml:"no_agent"`
}

// Trunk is a PBX, or several behind one address.
type Trunk struct {
	Name         ID               `yaml:"name" required:"a name for the trunk, as name: pbx"`
	Allow        []Source         `yaml:"allow" required:"where its calls come from, as allow: [192.0.2.7]"`
	Target       Target           `yaml:"target" required:"where calls to it are sent, as target: \"sip:pbx.example:5060\""`
	Username     string           `yaml:"username"`
	Password     directory.Secret `yaml:"password"`
	PasswordFile string           `yaml:"password_file"`
	Realm        string           `yaml:"realm"`
	Codecs       []Codec          `yaml:"codecs"`
	SRTP         string           `yaml:"srtp" enum:"off|optional|required"`
	Media        string           `yaml:"media" enum:"own|shared"`
}

// Default returns the configuration of an empty file.
func Default() *Config {
	any4 := netip.AddrPortFrom(netip.IPv4Unspecified(), 5060)
	return &Config{
		SIP: SIP{
			Listen:        []Listen{{"udp", any4}, {"tcp", any4}},
			UnknownSource: "drop", Realm: "telefonist", Digest: "both",
			SessionExpires: 30 * time.Minute, RegisterMin: time.Minute, RegisterMax: time.Hour,
		},
		Media: Media{
			Address: Addr{netip.IPv4Unspecified()}, Ports: Ports{10000, 31999},
			Timeout: MediaTimeout{First: 40 * time.Second, Steady: 15 * time.Second},
			Codecs:  []Codec{"PCMA", "PCMU", "G722"},
		},
		Web:   Web{Listen: HostPort{netip.MustParseAddrPort("127.0.0.1:8080")}},
		Store: Store{Dir: "data"},
		Log:   Log{Level: "info", Format: "text"},
		Queue: Queue{
			Answer: "queue", RingFor: 30 * time.Second, Overflow: "prompt", Music: "music", Language: call.Swedish,
			AnnounceAfter: 10 * time.Second, AnnouncePosition: time.Minute, AnnounceWait: time.Minute,
			RingTimeout: 15 * time.Second, RecallAfter: 20 * time.Second, WrapUp: 5 * time.Second,
			RetryAfter: 30 * time.Second, MaxMisses: 3,

			NoAgent: "wait", PoolAfter: 20 * time.Second, Strategy: string(call.LongestIdle),
			Closed: "prompt", VIPPriority: 10, KeepPlace: 3 * time.Minute,
			AtLimit: "record", LimitPrompt: "goodbye", HardCap: 30 * time.Minute, ParkRecall: 3 * time.Minute,
		},
		Codes: Codes{Login: "*11", Logout: "*12", Pause: "*13", Resume: "*14", Park: "*15", PickUp: "*16", HandBack: "*17", TakeBack: "*10",
			Colleague: "*19", Group: "*20", Supervisor: "*24", Call: "*18", AwayOn: "*21", AwayOff: "*22"},
		Alarms:      Alarms{LongestWait: 2 * time.Minute, ServiceLevel: 80, Window: 30 * time.Minute, Least: 10, NoAgent: true},
		Messages:    defaultMessages(),
		DefaultPlan: "default", DrainTimeout: 2 * time.Minute,
	}
}

// Plan returns the price list with the id; "default" is always there.
func (c *Config) Plan(id string) (tariff.Plan, bool) {
	for _, p := range c.Plans {
		if p.ID == id {
			return p, true
		}
	}
	if p := tariff.DefaultPlan(); p.ID == id {
		return p, true
	}
	return tariff.Plan{}, false
}

// Warnings are what works but should not be as it is.
func (c *Config) Warnings() Errors {
	var all Errors
	for _, s := range c.sources() {
		all = append(all, sorted(s.warnings)...)
	}
	return all
}

// Errorf gives an error at a key of the main file, for what only another room can check (a prompt that it does not know).
func (c *Config) Errorf(path, problem, fix string) Errors {
	if c.src == nil {
		return Errors{{File: "defaults", Line: 1, Column: 1, Path: path, Problem: problem, Fix: fix}}
	}
	return Errors{c.src.errorAt(c.src.find(path), path, problem, fix)}
}

func (c *Config) sources() []*source {
	var all []*source
	if c.src != nil {
		all = append(all, c.src)
	}
	for _, p := range c.provisions {
		all = append(all, p.src)
	}
	return all
}

// errors gives everything wrong in all files.
func (c *Config) errors() Errors {
	var all Errors
	for _, s := range c.sources() {
		all = append(all, sorted(s.errs)...)
	}
	return all
}
