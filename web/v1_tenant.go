package web

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/directory"
)

// settingsRoutes declares the one settings document. Where nothing was written it holds the defaults, with the ETag "0".
func (s *v1) settingsRoutes() {
	const path = "/tenants/{tenant}/settings"
	register(s, http.MethodGet, path, "get-settings", "Read the tenant's settings", reading,
		func(_ context.Context, in *Tenanted) (*itemOutput[directory.Settings], error) {
			it, err := s.Store.Item(in.Tenant, directory.KindSettings, directory.SettingsID)
			if isNotFound(err) {
				return &itemOutput[directory.Settings]{ETag: etag(0), Body: &ItemOf[directory.Settings]{ID: directory.SettingsID}}, nil
			}
			if err != nil {
				return nil, err
			}
			return output[directory.Settings](s, in.Tenant, it)
		})
	register(s, http.MethodPut, path, "put-settings", "Write the tenant's settings", writing,
		func(ctx context.Context, in *struct {
			Tenanted
			Precondition
			Body directory.Settings
		}) (*itemOutput[directory.Settings], error) {
			if in.IfMatch == etag(0) {
				in.IfMatch, in.IfNoneMatch = "", "*"
			}
			match, err := in.match()
			if err != nil {
				return nil, err
			}
			return write[directory.Settings](ctx, s, directory.KindSettings, in.Tenant, directory.SettingsID, &in.Body, match, nil)
		}, changing)
	register(s, http.MethodGet, "/tenants/{tenant}/codes", "list-codes", "The referral codes that hold: the tenant's own, or the usual ones", reading,
		func(_ context.Context, in *Tenanted) (*struct{ Body []directory.Code }, error) {
			settings, err := s.settings(in.Tenant)
			return &struct{ Body []directory.Code }{settings.AllCodes()}, err
		})
	register(s, http.MethodGet, path+"/history", "history-settings", "Who changed the settings: when, the old and the new text", history,
		func(_ context.Context, in *struct {
			Tenanted
			Page
		}) (*historyOutput, error) {
			return s.historyOf(in.Tenant, directory.KindSettings, directory.SettingsID, in.Page)
		})
	register(s, http.MethodPost, path+"/restore", "restore-settings", "Write earlier settings again", writing,
		func(ctx context.Context, in *struct {
			Tenanted
			Precondition
			Body VersionBody
		}) (*itemOutput[directory.Settings], error) {
			match, err := in.match()
			if err != nil {
				return nil, err
			}
			return restore[directory.Settings](ctx, s, directory.KindSettings, in.Tenant, directory.SettingsID, in.Body.Version, match, nil)
		}, changing, showing(account.ReadDirectory))
}

// instructionsRoutes declares those of the tenant and of each common number.
func (s *v1) instructionsRoutes() {
	itemRoutes[directory.Instructions](s, "/tenants/{tenant}/instructions/{id}", "instructions", directory.KindInstructions,
		func(in ItemPath) (string, error) { return s.scope(in.Tenant, in.ID) }, s.checkInstructions)
}

// scope turns the scope of instructions in a path into an item's id: tenant, or one of the tenant's common numbers.
func (s *v1) scope(tenant, scope string) (string, error) {
	if scope == directory.ScopeTenant {
		return scope, nil
	}
	t, _ := s.Tenants().Tenant(tenant)
	number, err := directory.ParseNumber(scope, directory.RegionOf(t.Number))
	if err != nil || !slices.ContainsFunc(t.Common, func(c directory.CommonNumber) bool { return c.Number == number }) {
		return "", directory.ErrNotFound
	}
	return number, nil
}

// checkCommon tells whether a common number is the tenant's.
func (s *v1) checkCommon(tenant, number string) directory.Problems {
	if number == "" {
		return nil
	}
	if _, err := s.scope(tenant, number); err != nil {
		return directory.Problems{{Field: "common", Wrong: number + " is no common number of the tenant", Write: "write one of its common numbers, or leave it out"}}
	}
	return nil
}

// A change confirms what is changed.
func (s *v1) checkInstructions(ctx context.Context, _, _ string, i *directory.Instructions) (directory.Problems, error) {
	i.ConfirmedAt, i.ConfirmedBy = s.Now().UTC(), identity(ctx).Name
	return nil, nil
}

func (s *v1) checkNotice(ctx context.Context, tenant, _ string, n *directory.Notice) (directory.Problems, error) {
	if n.Author == "" {
		n.Author = identity(ctx).Name
	}
	return s.checkCommon(tenant, n.Common), nil
}

func (s *v1) checkQuestion(_ context.Context, tenant, _ string, q *directory.Question) (directory.Problems, error) {
	q.ConfirmedAt = s.Now().UTC()
	return s.checkCommon(tenant, q.Common), nil
}

// TenantInfo is what is told of a tenant.
type TenantInfo struct {
	ID     string           `json:"id"`
	Name   string           `json:"name"`
	Number string           `json:"number"`
	Stage  directory.Stage  `json:"stage" enum:"ordered,delivered,closed"`
	Lives  []directory.Life `json:"lives" doc:"When its unique numbers were ordered, delivered and closed"`
	Common []CommonInfo     `json:"common_numbers"`
}

// CommonInfo is a common number.
type CommonInfo struct {
	Name            string `json:"name"`
	Number          string `json:"number"`
	CustomerService bool   `json:"customer_service"`
}

// Shown is everything that is shown for a call to a common number at an instant.
type Shown struct {
	directory.Effective
	Say       string             `json:"say" doc:"The answer phrase as it is to be said, with its placeholders filled in"`
	Notices   []directory.Notice `json:"notices" doc:"Temporary information that is valid, the most important first"`
	Questions []ShownQuestion    `json:"questions"`
}

// ShownQuestion is a question with what makes its answer doubtful.
type ShownQuestion struct {
	ID string `json:"id"`
	directory.Question
	Flags []directory.StaleFlag `json:"flags,omitempty"`
}

func (s *v1) info(t directory.Tenant) (TenantInfo, error) {
	out := TenantInfo{ID: t.ID, Name: t.Name, Number: t.Number, Stage: directory.Ordered, Common: []CommonInfo{}, Lives: []directory.Life{}}
	for _, c := range t.Common {
		out.Common = append(out.Common, CommonInfo(c))
	}
	lives, err := s.Store.Lives(t.ID)
	for _, l := range lives {
		out.Lives = append(out.Lives, l)
		if l.Number == t.Number {
			out.Stage = l.Stage()
		}
	}
	if t.Disabled {
		out.Stage = directory.Closed
	}
	return out, err
}

type tenantOutput struct{ Body TenantInfo }

type shownOutput struct{ Body Shown }

func (s *v1) tenantRoutes() {
	register(s, http.MethodGet, "/tenants", "list-tenants", "The tenants that the token belongs to, or whose calls its receptionist answers", reading, s.listTenants)
	register(s, http.MethodGet, "/tenants/{tenant}", "get-tenant", "A tenant and its numbers", reading,
		func(ctx context.Context, in *Tenanted) (*tenantOutput, error) {
			t, _ := s.Tenants().Tenant(in.Tenant)
			info, err := s.info(t)
			return &tenantOutput{info}, err
		})
	register(s, http.MethodGet, "/tenants/{tenant}/shown", "get-shown", "What a receptionist is shown for a call: instructions, what is inherited and what overridden, temporary information, questions", reading,
		func(ctx context.Context, in *struct {
			Tenanted
			Common string `query:"common" doc:"The common number that was dialled"`
			Agent  string `query:"agent" maxLength:"200" doc:"Id or name of the receptionist who answers"`
			AtInstant
		}) (*shownOutput, error) {
			at := in.At
			if at.IsZero() {
				at = s.Now()
			}
			out, err := s.shown(in.Tenant, in.Common, in.Agent, at)
			return &shownOutput{out}, err
		})
	register(s, http.MethodGet, "/tenants/{tenant}/changes", "list-changes", "Every change of the tenant's directory, in order", history, s.listChanges)
}

func (s *v1) listTenants(ctx context.Context, in *Page) (*pageOutput[TenantInfo], error) {
	who := identity(ctx)
	if who.Tenant != "" && !who.May(who.Tenant, account.ReadDirectory) {
		return nil, huma.Error403Forbidden("the token lacks the scope " + string(account.ReadDirectory))
	}
	all := slices.DeleteFunc(s.Tenants().Tenants(), func(t directory.Tenant) bool {
		return !who.Sees(t.ID) && (t.Disabled || !s.answersFor(who, t.ID))
	})
	page, next, err := pageOf(all, *in, func(t directory.Tenant) string { return t.ID })
	if err != nil {
		return nil, err
	}
	out := &pageOutput[TenantInfo]{PageOf[TenantInfo]{Items: []TenantInfo{}, Next: next}}
	for _, t := range page {
		info, err := s.info(t)
		if err != nil {
			return nil, err
		}
		out.Body.Items = append(out.Body.Items, info)
	}
	return out, nil
}

type changesInput struct {
	Tenanted
	After uint64 `query:"after" doc:"seq of the last change that is known"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (s *v1) listChanges(ctx context.Context, in *changesInput) (*historyOutput, error) {
	changes, err := s.Store.Changes(in.Tenant, in.After, in.Limit)
	out := &historyOutput{}
	out.Body.Changes = append([]directory.Change{}, changes...)
	for i := range out.Body.Changes { // true reasons of absence only for those who may read them
		if c := &out.Body.Changes[i]; c.Kind == directory.KindReferral && !identity(ctx).May(in.Tenant, account.ReadReferrals) {
			c.Old, c.New = nil, nil
		}
	}
	return out, err
}

// shown puts together what holds at an instant.
func (s *v1) shown(tenant, common, agent string, at time.Time) (out Shown, err error) {
	if common != "" {
		if wrong := s.checkCommon(tenant, common); wrong != nil {
			return out, unprocessable("query", wrong)
		}
		if common, err = s.scope(tenant, common); err != nil {
			return out, err
		}
	}
	settings, err := s.settings(tenant)
	if err != nil {
		return out, err
	}
	own, err := s.instructions(tenant, directory.ScopeTenant)
	if err != nil {
		return out, err
	}
	var over *directory.Instructions
	if common != "" {
		if over, err = s.instructions(tenant, common); err != nil {
			return out, err
		}
	}
	out.Effective = directory.Inherit(own, over, at, settings)
	out.Say = s.say(tenant, common, agent, out.Answer.Value, at)
	notices, err := every[directory.Notice](s.Store, tenant, directory.KindNotice, "")
	if err != nil {
		return out, err
	}
	var all []directory.Notice
	for _, n := range notices {
		all = append(all, n.Doc)
	}
	out.Notices = append([]directory.Notice{}, directory.Shown(all, common, at)...)
	if out.Connect.Value == nil {
		out.Connect.Value = []directory.Rule{}
	}
	if out.Contacts.Value == nil {
		out.Contacts.Value = []directory.Contact{}
	}
	questions, err := every[directory.Question](s.Store, tenant, directory.KindQuestion, "")
	out.Questions = []ShownQuestion{}
	for _, q := range questions {
		if q.Doc.Common == "" || q.Doc.Common == common {
			out.Questions = append(out.Questions, ShownQuestion{q.ID, q.Doc, q.Doc.Stale(at, settings)})
		}
	}
	return out, err
}

// say fills in an answer phrase for a receptionist, given by id or name.
func (s *v1) say(tenant, common, agent, phrase string, at time.Time) string {
	now := s.Tenants()
	t, _ := now.Tenant(tenant)
	v := directory.PhraseValues{Company: t.Name, Agent: agent, At: at}
	if a, known := now.Agent(agent); known {
		v.Agent = a.Name
	}
	for _, c := range t.Common {
		if c.Number == common {
			v.Common = c.Name
		}
	}
	return directory.Phrase(phrase, v)
}

func (s *v1) instructions(tenant, id string) (*directory.Instructions, error) {
	it, err := s.Store.Item(tenant, directory.KindInstructions, id)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := &directory.Instructions{}
	return out, json.Unmarshal(it.Doc, out)
}

// every reads all items of a kind whose ids begin with prefix.
func every[T any](store DirectoryStore, tenant string, k directory.Kind, prefix string) (all []ItemOf[T], err error) {
	const page = 1000
	for after := ""; ; {
		items, err := store.Items(tenant, k, prefix, after, page)
		if err != nil {
			return nil, err
		}
		for _, it := range items {
			one, err := itemOf[T](it)
			if err != nil {
				return nil, err
			}
			all, after = append(all, one), it.ID
		}
		if len(items) < page {
			return all, nil
		}
	}
}
