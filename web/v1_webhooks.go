package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"telefonist/account"
	"telefonist/directory"
)

// EventResult is what became of one.
type EventResult struct {
	Person string `json:"person"`
	Fate   string `json:"fate" enum:"set,cleared,unchanged"`
}

type webhookOutput struct {
	Body struct {
		Results []EventResult `json:"results"`
	}
}

// webhookInput is what a system posts, in the form that its source reads.
type webhookInput struct {
	Tenanted
	Source      string `path:"source" maxLength:"64" doc:"referral, or line"`
	ContentType string `header:"Content-Type"`
	RawBody     []byte
}

// LineOf is a person whose line is not free.
type LineOf struct {
	Person string `json:"person"`
	directory.Line
}

// maxReport bounds what one webhook brings, in bytes.
const maxReport = 1 << 20

// webhookRoutes declares how other systems tell of people.
func (s *v1) webhookRoutes() {
	register(s, http.MethodPost, "/tenants/{tenant}/referrals/bulk", "bulk-referrals", "Set and clear the referrals of many people as one system has them, all or none", writeReferrals,
		func(ctx context.Context, in *struct {
			Tenanted
			Body struct {
				Referrals []directory.Report `json:"referrals" minItems:"1" maxItems:"1000"`
			}
		}) (*webhookOutput, error) {
			if err := systemsOnly(ctx); err != nil {
				return nil, err
			}
			return s.events(ctx, in.Tenant, "api", in.Body.Referrals, ofBulk)
		})
	register(s, http.MethodPost, "/tenants/{tenant}/webhooks/{source}", "webhook", "Another system tells of people; the token may also be the password of HTTP Basic",
		[]account.Scope{account.Webhook, account.WriteReferrals}, s.webhook, s.webhookBody, failing(http.StatusServiceUnavailable))
	register(s, http.MethodGet, "/tenants/{tenant}/lines", "list-lines", "Who is on the phone, as far as webhooks have told", reading,
		func(_ context.Context, in *pagedTenant) (*pageOutput[LineOf], error) {
			return paged(s.lines.all(in.Tenant, s.Now()), in.Page, func(l LineOf) string { return l.Person })
		})
}

// webhookBody describes what may be posted: one report or a list of them as JSON, and the same fields otherwise.
func (s *v1) webhookBody(op *huma.Operation) {
	op.Description += ". The source referral takes a person's absence, line how a person's line is. A body is one report or a list of them as JSON; " +
		"one report as a form; XML with the same names for elements, one report or many below the root. Times in forms and XML may be the clock in Stockholm. " +
		"For lines also the documents that SIP notifies: application/dialog-info+xml and application/pidf+xml."
	op.MaxBodyBytes, op.SkipValidateBody = maxReport, true // the source does
	report := s.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[directory.Report](), true, "Report")
	op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json":                  {Schema: &huma.Schema{OneOf: []*huma.Schema{report, {Type: huma.TypeArray, Items: report}}}},
		"application/x-www-form-urlencoded": {Schema: report},
		"application/xml":                   {Schema: report},
	}}
}

// systemsOnly refuses receptionists what other systems tell: they set referrals one at a time, as the tenant lets them.
func systemsOnly(ctx context.Context) error {
	if identity(ctx).IsAgent() {
		return huma.Error403Forbidden("other systems tell of people here: a receptionist sets a referral of a person")
	}
	return nil
}

func (s *v1) webhook(ctx context.Context, in *webhookInput) (*webhookOutput, error) {
	if err := systemsOnly(ctx); err != nil {
		return nil, err
	}
	if s.Reports == nil {
		return nil, huma.Error503ServiceUnavailable("webhooks need the running server")
	}
	all, err := s.Reports(in.Source, in.ContentType, in.RawBody)
	var wrong directory.Problems
	switch {
	case errors.Is(err, directory.ErrNotFound), errors.As(err, &wrong):
		return nil, err
	case err != nil:
		return nil, huma.Error422UnprocessableEntity(err.Error(), &huma.ErrorDetail{Location: "body", Message: err.Error()})
	}
	for i := range all {
		if all[i].Source = directory.FromPBX; all[i].Line != "" {
			return s.lineEvents(in.Tenant, all)
		}
	}
	return s.events(ctx, in.Tenant, "webhook", all, at)
}

// lineEvents takes what was told of lines, all or none.
func (s *v1) lineEvents(tenant string, all []directory.Report) (*webhookOutput, error) {
	out := &webhookOutput{}
	out.Body.Results = []EventResult{}
	var wrong directory.Problems
	var lines []LineOf
	for i, r := range all {
		person, err := s.person(tenant, r)
		line, bad := r.LineOf(s.Now().UTC())
		if err != nil && !errors.As(err, &bad) {
			return nil, err
		}
		for _, b := range bad {
			wrong = append(wrong, at(all, i, b))
		}
		lines = append(lines, LineOf{person, line})
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	for _, l := range lines {
		out.Body.Results = append(out.Body.Results, EventResult{l.Person, s.lines.set(tenant, l, s.Now())})
	}
	return out, nil
}

// at names which report of a webhook's a problem is about; a lone one may be the whole body.
func at(all []directory.Report, i int, p directory.Problem) directory.Problem {
	if len(all) > 1 {
		p.Field = fmt.Sprintf("[%d].%s", i, p.Field)
	}
	return p
}

// ofBulk is at for a request whose reports stand in a field.
func ofBulk(_ []directory.Report, i int, p directory.Problem) directory.Problem {
	p.Field = fmt.Sprintf("referrals[%d].%s", i, p.Field)
	return p
}

// reported are the changes that one request asks for, in the order in which it first names their referrals. Later reports replace earlier ones.
type reported struct {
	edits map[string]directory.Edit // by id; without an id where there is nothing left to change
	order []string
}

// add takes the change of one report, which sets a referral or, without a document, clears it. stored tells that the store has it.
func (r *reported) add(e directory.Edit, stored bool) (fate string) {
	before, met := r.edits[e.ID]
	if !met {
		r.order = append(r.order, e.ID)
	}
	r.edits[e.ID] = e
	if e.Doc != nil {
		return "set"
	}
	if !stored {
		r.edits[e.ID] = directory.Edit{}
	}
	if met && before.Doc != nil || !met && stored {
		return "cleared"
	}
	return "unchanged"
}

func (r *reported) list() (all []directory.Edit) {
	for _, id := range r.order {
		if e := r.edits[id]; e.ID != "" {
			all = append(all, e)
		}
	}
	return all
}

// events sets and clears what systems tell of. Each source has one referral of a person, which the next event replaces.
// A problem is told as place puts it.
func (s *v1) events(ctx context.Context, tenant, way string, all []directory.Report, place func([]directory.Report, int, directory.Problem) directory.Problem) (*webhookOutput, error) {
	settings, err := s.settings(tenant)
	if err != nil {
		return nil, err
	}
	out := &webhookOutput{}
	out.Body.Results = []EventResult{}
	var wrong directory.Problems
	told := reported{edits: map[string]directory.Edit{}}
	for i := range all {
		person, err := s.person(tenant, all[i])
		var e directory.Edit
		var stored bool
		if err == nil {
			e, stored, err = s.event(ctx, tenant, person, &all[i], settings)
		}
		var bad directory.Problems
		if errors.As(err, &bad) {
			for _, b := range bad {
				wrong = append(wrong, place(all, i, b))
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Body.Results = append(out.Body.Results, EventResult{person, told.add(e, stored)})
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if list := told.list(); len(list) > 0 {
		_, err = s.Store.Edit(tenant, actor(ctx, way), s.Now(), list...)
	}
	return out, err
}

// event gives the change that an event asks for; stored tells, of one that clears, that there is something to clear.
func (s *v1) event(ctx context.Context, tenant, person string, one *directory.Report, settings directory.Settings) (e directory.Edit, stored bool, err error) {
	if one.Line != "" {
		return e, false, directory.Problems{{Field: "line", Wrong: "is no part of a referral", Write: "send it to webhooks/line"}}
	}
	if one.Source == "" {
		one.Source = directory.FromPBX
	}
	e = directory.Edit{Kind: directory.KindReferral, ID: person + "/" + string(one.Source), Match: directory.AnyVersion}
	if one.Clear {
		if _, err = s.Store.Item(tenant, e.Kind, e.ID); isNotFound(err) {
			return e, false, nil
		}
		return e, true, err
	}
	r := one.Referral()
	e.Doc, err = s.complete(ctx, tenant, &r, settings)
	return e, false, err
}

// person finds the one person whom an event names.
func (s *v1) person(tenant string, one directory.Report) (string, error) {
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
