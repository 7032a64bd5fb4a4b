package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/directory"
)

// personOf gives the person of a referral's id.
func personOf(id string) string { who, _, _ := strings.Cut(id, "/"); return who }

// ReferralPath is the path of a referral.
type ReferralPath struct {
	ItemPath
	Referral string `path:"referral" maxLength:"100"`
}

func (p ReferralPath) id() string { return p.ID + "/" + p.Referral }

// ReferralItem is a referral with what makes it doubtful.
type ReferralItem struct {
	ItemOf[directory.Referral]
	Active bool                     `json:"active"`
	Flags  []directory.ReferralFlag `json:"flags,omitempty"`
}

type referralOutput struct {
	ETag string `header:"ETag"`
	Body ReferralItem
}

// PBXReferral is what a PBX tells of one person.
type PBXReferral struct {
	ExternalID string `json:"external_id,omitempty" maxLength:"200" doc:"One of external_id, extension, number and email names the person"`
	Extension  string `json:"extension,omitempty" maxLength:"64"`
	Number     string `json:"number,omitempty" maxLength:"64"`
	Email      string `json:"email,omitempty" maxLength:"254"`
	Clear      bool   `json:"clear,omitempty" doc:"The person is back; nothing else is needed then"`

	Code    string                   `json:"code,omitempty" maxLength:"64" doc:"One of the tenant's codes, or what the PBX calls it"`
	From    time.Time                `json:"from,omitzero"`
	Until   time.Time                `json:"until,omitzero"`
	Open    bool                     `json:"open,omitempty"`
	Connect *bool                    `json:"connect,omitempty"`
	Forward string                   `json:"forward_to,omitempty" maxLength:"64"`
	Note    string                   `json:"note,omitempty" maxLength:"500"`
	Source  directory.ReferralSource `json:"source,omitempty" enum:"pbx,calendar,portal" doc:"Missing: pbx"`
	Fetched time.Time                `json:"fetched_at,omitzero"`
}

func (p PBXReferral) referral() directory.Referral {
	return directory.Referral{Code: p.Code, From: p.From, Until: p.Until, Open: p.Open, Connect: p.Connect, Forward: p.Forward, Note: p.Note,
		Source: p.Source, Fetched: p.Fetched}
}

// EventResult is what became of one.
type EventResult struct {
	Person string `json:"person"`
	Fate   string `json:"fate" enum:"set,cleared,unchanged"`
}

type eventsOutput struct {
	Body struct {
		Results []EventResult `json:"results"`
	}
}

var (
	readReferrals  = []account.Scope{account.ReadReferrals}
	writeReferrals = []account.Scope{account.WriteReferrals}
)

func (s *v1) referralRoutes() {
	const path = "/tenants/{tenant}/people/{id}/referrals"
	register(s, http.MethodGet, path, "list-referrals", "A person's referrals with their true reasons", readReferrals,
		func(ctx context.Context, in *ItemPath) (*struct{ Body []ReferralItem }, error) {
			settings, err := s.settings(in.Tenant)
			if err != nil {
				return nil, err
			}
			items, err := every[directory.Referral](s.Store, in.Tenant, directory.KindReferral, in.ID+"/")
			out := &struct{ Body []ReferralItem }{[]ReferralItem{}}
			for _, it := range items {
				out.Body = append(out.Body, s.referralItem(it, settings))
			}
			return out, err
		})
	register(s, http.MethodPost, path, "set-referral", "Set a referral", writeReferrals,
		func(ctx context.Context, in *struct {
			ItemPath
			Body directory.Referral
		}) (*referralOutput, error) {
			return s.setReferral(ctx, in.Tenant, in.ID, newID()[:12], in.Body, directory.NoVersion)
		}, status(http.StatusCreated))
	register(s, http.MethodPut, path+"/{referral}", "put-referral", "Change a referral", writeReferrals,
		func(ctx context.Context, in *struct {
			ReferralPath
			Precondition
			Body directory.Referral
		}) (*referralOutput, error) {
			match, err := in.match()
			if err != nil {
				return nil, err
			}
			return s.setReferral(ctx, in.Tenant, in.ID, in.Referral, in.Body, match)
		}, changing)
	register(s, http.MethodDelete, path+"/{referral}", "clear-referral", "Clear a referral", writeReferrals,
		func(ctx context.Context, in *struct {
			ReferralPath
			Precondition
		}) (*struct{}, error) {
			match, err := in.match()
			if err != nil {
				return nil, err
			}
			if err := s.agentMay(ctx, in.Tenant); err != nil {
				return nil, err
			}
			_, err = s.edit(ctx, in.Tenant, directory.Edit{Kind: directory.KindReferral, ID: in.id(), Match: match})
			return nil, err
		}, status(http.StatusNoContent), changing)
	register(s, http.MethodPost, "/tenants/{tenant}/referrals/bulk", "bulk-referrals", "Set and clear the referrals of many people as one system has them, all or none", writeReferrals,
		func(ctx context.Context, in *struct {
			Tenanted
			Body struct {
				Referrals []PBXReferral `json:"referrals" minItems:"1" maxItems:"1000"`
			}
		}) (*eventsOutput, error) {
			return s.events(ctx, in.Tenant, "api", in.Body.Referrals)
		})
	register(s, http.MethodPost, "/tenants/{tenant}/webhooks/referral", "webhook-referral", "A PBX tells of a referral; the token may also be the password of HTTP Basic", []account.Scope{account.Webhook, account.WriteReferrals},
		func(ctx context.Context, in *struct {
			Tenanted
			Body PBXReferral
		}) (*eventsOutput, error) {
			in.Body.Source = directory.FromPBX
			return s.events(ctx, in.Tenant, "webhook", []PBXReferral{in.Body})
		})
}

func (s *v1) referralItem(it ItemOf[directory.Referral], settings directory.Settings) ReferralItem {
	_, it.ID, _ = strings.Cut(it.ID, "/")
	now := s.Now()
	return ReferralItem{it, it.Doc.ActiveAt(now), it.Doc.Flags(now, settings)}
}

// agentMay refuses receptionists where the tenant does not let them set referrals.
func (s *v1) agentMay(ctx context.Context, tenant string) error {
	if !strings.HasPrefix(identity(ctx).Name, "agent:") {
		return nil
	}
	settings, err := s.settings(tenant)
	if err == nil && !settings.AgentsMaySetReferral {
		err = huma.Error403Forbidden("the tenant does not let receptionists set referrals")
	}
	return err
}

func (s *v1) setReferral(ctx context.Context, tenant, person, id string, r directory.Referral, match uint64) (*referralOutput, error) {
	if !directory.ValidID(id) {
		return nil, unprocessable("path", directory.Problems{{Field: "referral", Wrong: "is no id", Write: "write letters and digits"}})
	}
	if _, err := s.Store.Item(tenant, directory.KindPerson, person); err != nil {
		return nil, err
	}
	settings, err := s.settings(tenant)
	if err != nil {
		return nil, err
	}
	if who := identity(ctx).Name; strings.HasPrefix(who, "agent:") || r.Source == directory.FromAgent {
		if !settings.AgentsMaySetReferral {
			return nil, huma.Error403Forbidden("the tenant does not let receptionists set referrals")
		}
		r.Source = directory.FromAgent
	}
	text, err := s.complete(ctx, tenant, &r, settings)
	if err != nil {
		return nil, err
	}
	items, err := s.edit(ctx, tenant, directory.Edit{Kind: directory.KindReferral, ID: person + "/" + id, Doc: text, Match: match})
	if err != nil {
		return nil, err
	}
	it, err := itemOf[directory.Referral](items[0])
	return &referralOutput{etag(it.Version), s.referralItem(it, settings)}, err
}

func (s *v1) complete(ctx context.Context, tenant string, r *directory.Referral, settings directory.Settings) (json.RawMessage, error) {
	if r.SetBy == "" {
		r.SetBy = identity(ctx).Name
	}
	if err := r.Complete(s.Now().UTC(), settings, s.region(tenant), s.Calendar).Err(); err != nil {
		return nil, err
	}
	return json.Marshal(r)
}

// events sets and clears what systems tell of. Each source has one referral of a person, which the next event replaces.
func (s *v1) events(ctx context.Context, tenant, way string, all []PBXReferral) (*eventsOutput, error) {
	settings, err := s.settings(tenant)
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{}
	out.Body.Results = []EventResult{}
	var wrong directory.Problems
	edits := map[string]directory.Edit{}
	var order []string
	for i := range all {
		one := &all[i]
		person, err := s.person(tenant, *one)
		var e directory.Edit
		if err == nil {
			e, err = s.event(ctx, tenant, person, one, settings)
		}
		var bad directory.Problems
		if errors.As(err, &bad) {
			for _, b := range bad {
				if len(all) > 1 {
					b.Field = fmt.Sprintf("referrals[%d].%s", i, b.Field)
				}
				wrong = append(wrong, b)
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		result := EventResult{person, "set"}
		if one.Clear {
			result.Fate = "cleared"
		}
		if e.ID == "" {
			result.Fate = "unchanged"
		} else {
			if _, twice := edits[e.ID]; !twice {
				order = append(order, e.ID)
			}
			edits[e.ID] = e
		}
		out.Body.Results = append(out.Body.Results, result)
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	var list []directory.Edit
	for _, id := range order {
		list = append(list, edits[id])
	}
	if len(list) > 0 {
		_, err = s.Store.Edit(tenant, actor(ctx, way), s.Now(), list...)
	}
	return out, err
}

// event gives the change that an event asks for; one without an id where there is none.
func (s *v1) event(ctx context.Context, tenant, person string, one *PBXReferral, settings directory.Settings) (directory.Edit, error) {
	if one.Source == "" {
		one.Source = directory.FromPBX
	}
	e := directory.Edit{Kind: directory.KindReferral, ID: person + "/" + string(one.Source), Match: directory.AnyVersion}
	if one.Clear {
		if _, err := s.Store.Item(tenant, e.Kind, e.ID); isNotFound(err) {
			return directory.Edit{}, nil
		} else if err != nil {
			return directory.Edit{}, err
		}
		return e, nil
	}
	r := one.referral()
	text, err := s.complete(ctx, tenant, &r, settings)
	e.Doc = text
	return e, err
}

// person finds the one person whom an event names.
func (s *v1) person(tenant string, one PBXReferral) (string, error) {
	number := func(s0 string) directory.Key {
		if d, err := directory.ParseDialledIn(s0, s.region(tenant)); err == nil {
			s0 = d.Number + d.Extension
		}
		return directory.NumberKey(s0)
	}
	for _, by := range []struct {
		field, value string
		key          func(string) directory.Key
	}{{"external_id", one.ExternalID, directory.ExternalKey}, {"extension", one.Extension, number}, {"number", one.Number, number}, {"email", one.Email, directory.MailKey}} {
		if by.value == "" {
			continue
		}
		ids, err := s.Store.FindPeople(tenant, by.key(by.value))
		switch {
		case err != nil:
			return "", err
		case len(ids) == 1:
			return ids[0], nil
		case len(ids) > 1:
			return "", directory.Problems{{Field: by.field, Wrong: fmt.Sprintf("%d people have it", len(ids)), Write: "name the person by external_id"}}
		}
		return "", directory.Problems{{Field: by.field, Wrong: "nobody has it", Write: "add the person first"}}
	}
	return "", directory.Problems{{Field: "external_id", Wrong: "nobody is named", Write: "write external_id, extension, number or email"}}
}
