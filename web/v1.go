package web

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus"

	"telefonist/account"
	"telefonist/calendar"
	"telefonist/directory"
)

// DirectoryStore keeps the directories. The errors are those of package directory.
type DirectoryStore interface {
	Item(tenant string, k directory.Kind, id string) (directory.Item, error)
	Items(tenant string, k directory.Kind, prefix, after string, limit int) ([]directory.Item, error)
	FindPeople(tenant string, k directory.Key) ([]string, error)
	Edit(tenant string, by directory.Actor, at time.Time, edits ...directory.Edit) ([]directory.Item, error)
	History(tenant string, k directory.Kind, id string) ([]directory.Change, error)
	Changes(tenant string, after uint64, limit int) ([]directory.Change, error)
	Seq(tenant string) (uint64, error)
	ImportPeople(ctx context.Context, tenant string, in directory.PeopleImport) (directory.ImportCounts, error)
	Erase(ctx context.Context, tenant, id string, at time.Time, e directory.Erase) (directory.Erasure, error)
	Lives(tenant string) ([]directory.Life, error)

	PutDoorCode(tenant, office, id, label, code string, expires time.Time, match uint64, by directory.Actor, at time.Time) (directory.DoorCodeInfo, error)
	DoorCodes(tenant, office string) ([]directory.DoorCodeInfo, error)
	ShowDoorCode(tenant, office, id string, by directory.Actor, at time.Time) (string, error)
	RotateKeys(forget bool, now time.Time) (int, error)

	Token(id string) (account.Token, error)
	Tokens(tenant string) ([]account.Token, error)
	PutToken(account.Token) error
	ChangeToken(id string, change func(*account.Token)) error
	UseToken(id string, at time.Time) error
}

// Tables reads and writes tables of people.
type Tables interface {
	Read(data []byte) (header []string, rows []directory.Row, err error)
	WriteCSV(w io.Writer, header []string, rows [][]string) error
	WriteXLSX(w io.Writer, sheet string, header []string, rows [][]string) error
}

// Searcher finds people, common numbers, offices, instructions and questions of one tenant. It never sees another's.
type Searcher interface {
	// Search gives what every word of a query was found in, best first. What the caller (E.164, or empty) has asked for before comes
	// before what matches as well.
	Search(ctx context.Context, tenant, query, caller string, limit int) ([]Hit, error)
	// Chosen tells that a hit was chosen at a time, for a caller where one is known.
	Chosen(tenant, kind, id, caller string, at time.Time) error
}

// Hit is one thing that was found, best first. A Searcher fills in Kind, ID and Score; the rest is what the directory says now.
type Hit struct {
	Kind        string              `json:"kind" enum:"person,common_number,office,question,instructions"`
	ID          string              `json:"id"`
	Score       int                 `json:"score" doc:"Orders the hits of one answer and means nothing beyond it"`
	Title       string              `json:"title" doc:"A person's or an office's name, a question"`
	Detail      string              `json:"detail,omitempty" doc:"Of a person: title and department, by which people of one name are told apart"`
	Presence    *directory.Presence `json:"presence,omitempty" doc:"Of a person who is away: what may be said of it"`
	Substitutes []Substitute        `json:"substitutes,omitempty" doc:"Whom to ask instead of a person who is away, in order"`
	Opening     *directory.Opening  `json:"opening,omitempty" doc:"Of an office: whether it is open now, and until or from when"`
}

// Substitute is somebody to ask instead.
type Substitute struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Away bool   `json:"away"`
}

// LiveCall tells of a live call whose it is and which receptionist has it; ok is false where it is not live.
type LiveCall func(ctx context.Context, call string) (tenant, agent string, ok bool)

// V1 is the API under /api/v1. Fill it in, and register it on as many listeners as there are.
type V1 struct {
	Store    DirectoryStore
	Tenants  func() *directory.Directory
	Calendar calendar.Calendar
	Tables   Tables
	Live     LiveCall
	Search   Searcher // nil: there is no search
	Outbox   Outbox   // nil: there are no messages
	// Reports reads what another system posts to the webhook of a source; directory.ErrNotFound where there is no such source. nil:
	// there are no webhooks.
	Reports func(source, contentType string, data []byte) ([]directory.Report, error)
	Desk    Desk // nil: there are no live calls
	// SetSwitch says that own receptionists are away or back; nil: nobody can.
	SetSwitch SetSwitch
	// Site is the address that browsers use, where a proxy stands before the server; nil or empty: its own.
	Site    func() string
	Log     *slog.Logger
	Metrics *V1Metrics
	Now     func() time.Time

	// Events is the stream of events; nil: there is none. Heartbeat is how often a stream on which nothing happens says that it
	// is there; zero: 15 s. Stopped is set where the files of a server are read that does not run.
	Events    EventStore
	Heartbeat time.Duration
	Stopped   bool

	imports  imports
	files    turns // that are read
	exports  turns
	erasures turns
	lines    lines
	limiters limiters
	streams  streams // of events
	consoles streams // of what is live
	lookout  lookout
}

// V1Metrics count what the API is asked.
type V1Metrics struct {
	requests *prometheus.CounterVec
	imported prometheus.Counter
	looks    prometheus.Counter
}

// results are the closed set of what becomes of a request.
var results = []string{"ok", "refused", "unauthorized", "limited", "failed"}

// NewV1Metrics registers the metrics; nil registers none.
func NewV1Metrics(r prometheus.Registerer) *V1Metrics {
	m := &V1Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "telefonist_api_requests_total",
			Help: "Requests to /api/v1, by what became of them."}, []string{"result"}),
		imported: prometheus.NewCounter(prometheus.CounterOpts{Name: "telefonist_directory_imports_total", Help: "Imports of people that were carried out."}),
		looks:    prometheus.NewCounter(prometheus.CounterOpts{Name: "telefonist_directory_doorcode_looks_total", Help: "Door codes that were shown."}),
	}
	for _, result := range results {
		m.requests.WithLabelValues(result)
	}
	if r != nil {
		r.MustRegister(m.requests, m.imported, m.looks)
	}
	return m
}

// Close ends streams, ends imports that are running, and waits for these.
func (v *V1) Close() {
	v.EndStreams()
	v.imports.close()
}

// v1 is the API on one listener.
type v1 struct {
	*V1
	api  huma.API
	auth authenticator
}

// Register puts the API on a mux for programs with tokens.
func (v *V1) Register(mux *http.ServeMux) {
	s := &v1{V1: v, api: newV1API(mux), auth: tokenAuth{v}}
	s.routes()
	mux.Handle(apiPath, elsewhere(mux))
}

// RegisterLocal puts the API on the mux of the administration socket, where whoever asks may do everything.
func (v *V1) RegisterLocal(mux *http.ServeMux) {
	s := &v1{V1: v, api: newV1API(mux), auth: localAuth{}}
	s.routes()
	s.localRoutes()
	mux.Handle(apiPath, elsewhere(mux))
}

// OpenAPI is the description of the API for programs, as it is published.
func (v *V1) OpenAPI() ([]byte, error) {
	s := &v1{V1: v, api: newV1API(http.NewServeMux()), auth: tokenAuth{v}}
	s.routes()
	return json.MarshalIndent(s.api.OpenAPI(), "", "  ")
}

// APIVersion is the version of the description. It changes when a route or a field does.
const APIVersion = "1.6.0"

func newV1API(mux *http.ServeMux) huma.API {
	cfg := huma.DefaultConfig("Telefonist", APIVersion)
	cfg.DocsPath, cfg.OpenAPIPath, cfg.SchemasPath = "", "/api/v1/openapi", ""
	cfg.CreateHooks = nil
	cfg.Info.Description = "Directories of the companies that are answered for: instructions, offices, people, referrals. " +
		"A token belongs to one tenant; what is another's does not exist for it. Changes name the version that they change in If-Match."
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}, "session": {Type: "apiKey", In: "cookie", Name: sessionCookie}}
	cfg.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	return humago.New(mux, cfg)
}

// windowPattern is how a part of a day is written. It stands in the description, so that an error names the field.
const windowPattern = `^[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?-[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?$`

// describeWindows completes the description of opening hours: parts of days are text, and a day that is left out is closed.
func (s *v1) describeWindows() {
	for _, name := range []string{"Periods", "SpecialDay"} {
		schema := s.api.OpenAPI().Components.Schemas.Map()[name]
		if name == "Periods" {
			schema.Required = nil
			schema.PrecomputeMessages()
		}
		for field, property := range schema.Properties {
			if property.Items != nil {
				property.Items.Pattern, property.Items.PatternDescription = windowPattern, "a part of a day such as 08:00-17:00"
				schema.Properties[field].Items.PrecomputeMessages()
			}
		}
	}
}

func (s *v1) routes() {
	defer s.describeWindows()
	s.tenantRoutes()
	collection[directory.Notice](s, "notices", directory.KindNotice, s.checkNotice)
	collection[directory.Question](s, "questions", directory.KindQuestion, s.checkQuestion)
	collection[directory.Office](s, "offices", directory.KindOffice, nil)
	collection[directory.Person](s, "people", directory.KindPerson, s.checkPerson)
	s.settingsRoutes()
	s.instructionsRoutes()
	s.peopleRoutes()
	s.referralRoutes()
	s.webhookRoutes()
	s.doorCodeRoutes()
	s.messageRoutes()
	s.serviceRoutes()
	s.transferRoutes()
	s.flaggedRoutes()
	s.searchRoute()
	s.deskRoutes()
	s.eventRoutes()
	s.statsRoutes()
	s.sessionRoutes()
}

// keyOf finds the identity in a request's context.
type keyOf struct{}

func identity(ctx context.Context) account.Identity {
	id, _ := ctx.Value(keyOf{}).(account.Identity)
	return id
}

func actor(ctx context.Context, way string) directory.Actor {
	return directory.Actor{Name: identity(ctx).Name, Way: way}
}

// scopes is the key of an operation's scopes in its metadata: any of them will do.
const scopes = "scopes"

// register declares a route with the scopes that may use it.
func register[I, O any](s *v1, method, path, id, summary string, allow []account.Scope, h func(context.Context, *I) (*O, error), more ...func(*huma.Operation)) {
	op := huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Summary: summary,
		Metadata: map[string]any{scopes: allow}, Errors: []int{401, 403, 404, 422, 429}, MaxBodyBytes: 4 << 20}
	if len(allow) > 0 {
		op.Description = "Scope: "
		for i, a := range allow {
			if i > 0 {
				op.Description += " or "
			}
			op.Description += string(a)
		}
	}
	for _, f := range more {
		f(&op)
	}
	op.Middlewares = append(huma.Middlewares{s.guard}, op.Middlewares...)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		s.audit(ctx, method, id)
		s.Metrics.requests.WithLabelValues("ok").Inc()
		return out, nil
	})
}

// besides is the key of a scope in an operation's metadata that it needs besides one of the others.
const besides = "besides"

// showing marks a route that writes and answers with what the token may not have written itself, so that it must be one that may read it.
func showing(scope account.Scope) func(*huma.Operation) {
	return func(op *huma.Operation) {
		op.Metadata[besides] = scope
		op.Description += ", and " + string(scope)
	}
}

func status(code int) func(*huma.Operation) {
	return func(op *huma.Operation) { op.DefaultStatus = code }
}

func failing(codes ...int) func(*huma.Operation) {
	return func(op *huma.Operation) { op.Errors = slices.Concat(op.Errors, codes) }
}

var (
	reading  = []account.Scope{account.ReadDirectory}
	writing  = []account.Scope{account.WriteDirectory}
	history  = []account.Scope{account.ReadHistory}
	changing = failing(http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired)
)

// region is the country whose national numbers a tenant writes.
func (s *v1) region(tenant string) string {
	t, _ := s.Tenants().Tenant(tenant)
	return directory.RegionOf(t.Number)
}

// settings are a tenant's, the defaults where it has none.
func (s *v1) settings(tenant string) (out directory.Settings, err error) {
	it, err := s.Store.Item(tenant, directory.KindSettings, directory.SettingsID)
	if isNotFound(err) {
		return out, nil
	}
	if err == nil {
		err = json.Unmarshal(it.Doc, &out)
	}
	return out, err
}

// limiters are the limits of rate of tokens that were used.
type limiters struct {
	mu sync.Mutex // protects m
	m  map[string]*limiter
}
