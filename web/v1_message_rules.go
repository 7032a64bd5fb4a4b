package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"telefonist/account"
	"telefonist/call"
	"telefonist/directory"
	"telefonist/record"
)

// PreviewRequest asks what a message would say.
type PreviewRequest struct {
	Channel  string                     `json:"channel,omitempty" enum:"email,sms"`
	Template string                     `json:"template,omitempty" maxLength:"64"`
	Try      *directory.MessageTemplate `json:"try,omitempty" doc:"A template that is not kept yet, in place of the named one"`
	To       *MessageTo                 `json:"to,omitempty" doc:"Missing: nobody, so that the template alone is seen"`
	Fields   MessageFields              `json:"fields"`
	Call     string                     `json:"call,omitempty" maxLength:"100" doc:"The call that the message would belong to"`
	Common   string                     `json:"common,omitempty" maxLength:"64" doc:"Common number, where no call is given"`
}

// Preview is a message as it would be sent.
type Preview struct {
	Channel      record.Channel   `json:"channel" enum:"email,sms"`
	Template     string           `json:"template"`
	TemplateFrom directory.Origin `json:"template_from,omitempty" enum:"built-in,tenant,common" doc:"Missing for one that is tried"`
	To           record.Recipient `json:"to"`
	From         record.Sender    `json:"from"`
	Subject      string           `json:"subject,omitempty"`
	Text         string           `json:"text"`
	HTML         string           `json:"html,omitempty"`
	Encoding     string           `json:"encoding,omitempty" enum:"gsm7,ucs2" doc:"Of SMS: the alphabet of GSM 03.38, or UCS-2"`
	Units        int              `json:"units,omitempty" doc:"Septets, or code units of UTF-16"`
	Segments     int              `json:"segments,omitempty" doc:"How many SMS it takes"`
	MaxSegments  int              `json:"max_segments,omitempty" doc:"How many it may take"`
	Culprit      string           `json:"culprit,omitempty" doc:"The first character that is not in the alphabet of GSM 03.38"`
}

// messageRuleRoutes declares templates, senders and groups, what holds of them, and previews.
func (s *v1) messageRuleRoutes() {
	register(s, http.MethodGet, "/tenants/{tenant}/message-rules", "get-effective-message-rules", "Templates, sender, groups and allowed addresses that hold for a common number, and where each comes from", reading,
		func(_ context.Context, in *struct {
			Tenanted
			Common string `query:"common" doc:"The common number that was dialled"`
		}) (*struct{ Body directory.EffectiveMessages }, error) {
			if _, err := s.outbox(); err != nil {
				return nil, err
			}
			common, err := s.commonOf(in.Tenant, in.Common, "query")
			if err != nil {
				return nil, err
			}
			e, err := s.messageRules(in.Tenant, common)
			return &struct{ Body directory.EffectiveMessages }{e}, err
		})
	itemRoutes[directory.MessageRules](s, "/tenants/{tenant}/message-rules/{id}", "message-rules", directory.KindMessages,
		func(in ItemPath) (string, error) { return s.scope(in.Tenant, in.ID) }, s.checkMessageRules)
	register(s, http.MethodPost, "/tenants/{tenant}/messages/preview", "preview-message", "What a message would say and take; nothing is sent", []account.Scope{account.SendMessages, account.WriteDirectory},
		func(ctx context.Context, in *struct {
			Tenanted
			Body PreviewRequest
		}) (*struct{ Body Preview }, error) {
			return s.preview(ctx, in.Tenant, in.Body)
		})
}

// commonOf turns a common number in any form into its own, empty for none.
func (s *v1) commonOf(tenant, common, where string) (string, error) {
	if common == "" {
		return "", nil
	}
	id, err := s.scope(tenant, common)
	if err != nil || id == directory.ScopeTenant {
		return "", unprocessable(where, directory.Problems{{Field: "common", Wrong: common + " is no common number of the tenant", Write: "write one of its common numbers, or leave it out"}})
	}
	return id, nil
}

// checkMessageRules finds templates that cannot be filled in and senders that are somebody else's number.
func (s *v1) checkMessageRules(_ context.Context, tenant, _ string, r *directory.MessageRules) (wrong directory.Problems, err error) {
	t, _ := s.Tenants().Tenant(tenant)
	if r.Sender != nil && len(r.Sender.SMS) > 0 && r.Sender.SMS[0] == '+' && !t.OwnNumber(r.Sender.SMS) {
		wrong = append(wrong, directory.Problem{Field: "sender.sms", Wrong: "is no number of the tenant's", Write: "write its unique number, one of its common numbers, or a name"})
	}
	box, err := s.outbox()
	if err != nil {
		return nil, err
	}
	for i, tpl := range r.Templates {
		for _, p := range box.CheckTemplate(tpl) {
			p.Field = fmt.Sprintf("templates[%d].%s", i, p.Field)
			wrong = append(wrong, p)
		}
	}
	return wrong, nil
}

// formOfRules brings exported rules into their form.
func (s *v1) formOfRules(ctx context.Context, tenant string, it directory.Item) (json.RawMessage, error) {
	var doc directory.MessageRules
	if err := strict(it.Doc, &doc); err != nil {
		return nil, err
	}
	return prepare(ctx, s, tenant, it.ID, &doc, s.checkMessageRules)
}

// preview writes a message out as sendMessage would.
func (s *v1) preview(ctx context.Context, tenant string, req PreviewRequest) (*struct{ Body Preview }, error) {
	box, err := s.outbox()
	if err != nil {
		return nil, err
	}
	c, err := s.previewedCall(ctx, tenant, req)
	if err != nil {
		return nil, err
	}
	d := MessageDraft{ID: "preview", By: identity(ctx).Name, Created: s.Now()}
	ask := MessageRequest{Channel: req.Channel, Template: req.Template, Fields: req.Fields}
	if req.Try != nil {
		ask.Channel, ask.Template = req.Try.Channel, ""
	}
	if req.To != nil {
		ask.To = *req.To
		err = s.draft(&d, tenant, c, ask)
	} else {
		err = s.draftToNobody(&d, tenant, c, ask)
	}
	if err == nil && req.Try != nil {
		err = s.try(&d, *req.Try)
	}
	if err != nil {
		return nil, err
	}
	composed, err := box.Compose(d)
	if err != nil {
		return nil, err
	}
	out := previewOf(d, composed)
	if req.To == nil {
		out.To = record.Recipient{}
	}
	return &struct{ Body Preview }{out}, nil
}

// previewedCall is the call that a previewed message would belong to, or stands for one.
func (s *v1) previewedCall(ctx context.Context, tenant string, req PreviewRequest) (c MessagedCall, err error) {
	if req.Call == "" {
		c.Received = s.Now()
		c.Common, err = s.commonOf(tenant, req.Common, "body")
		return c, err
	}
	c, err = s.Outbox.CallOf(ctx, tenant, call.ID(req.Call))
	if errors.Is(err, ErrNotFound) {
		err = directory.Problems{{Field: "call", Wrong: "is no call of the tenant", Write: "write the id of one of its calls, or leave it out"}}
	}
	return c, err
}

// try puts a template that is not kept in place of a draft's own.
func (s *v1) try(d *MessageDraft, t directory.MessageTemplate) error {
	wrong := (&directory.MessageRules{Templates: []directory.MessageTemplate{t}}).Normalize(s.region(d.Tenant))
	for i := range wrong {
		wrong[i].Field = strings.TrimPrefix(wrong[i].Field, "templates[0].")
	}
	wrong = append(wrong, s.Outbox.CheckTemplate(t)...)
	for i := range wrong {
		wrong[i].Field = "try." + wrong[i].Field
	}
	d.Template, d.TemplateFrom = t, ""
	return wrong.Err()
}

func previewOf(d MessageDraft, c ComposedMessage) Preview {
	m := c.Message
	out := Preview{Channel: m.Channel, Template: d.Template.Name, TemplateFrom: d.TemplateFrom, To: m.To, From: m.From, Subject: m.Subject, Text: m.Text,
		HTML: m.HTML, Encoding: c.Encoding, Units: c.Units, Segments: c.Segments, Culprit: c.Culprit}
	if m.Channel == record.SMS {
		out.MaxSegments = c.MaxSegments
	}
	return out
}

// draftToNobody looks up what a message needs but for its recipient.
func (s *v1) draftToNobody(d *MessageDraft, tenant string, c MessagedCall, req MessageRequest) error {
	t, _ := s.Tenants().Tenant(tenant)
	stand := record.Recipient{Kind: record.ToMailbox, Name: t.Name, Address: "nobody@example.invalid"}
	return s.draftFor(d, tenant, c, req, func(directory.EffectiveMessages, directory.Messaging) (string, error) {
		if d.Channel == record.SMS {
			stand.Address = t.Number
		}
		d.To = stand
		return "", nil
	})
}
