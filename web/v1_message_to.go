package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"telefonist/directory"
	"telefonist/record"
)

// draft looks up all that a message needs. The error is directory.Problems where the request is wrong.
func (s *v1) draft(d *MessageDraft, tenant string, c MessagedCall, req MessageRequest) error {
	return s.draftFor(d, tenant, c, req, func(rules directory.EffectiveMessages, how directory.Messaging) (string, error) {
		return s.resolve(d, req.To, rules, how)
	})
}

// draftFor is draft with the recipient found by resolve, which also tells who was asked for.
func (s *v1) draftFor(d *MessageDraft, tenant string, c MessagedCall, req MessageRequest, resolve func(directory.EffectiveMessages, directory.Messaging) (string, error)) error {
	t, _ := s.Tenants().Tenant(tenant)
	rules, err := s.messageRules(tenant, c.Common)
	if err != nil {
		return err
	}
	how, err := s.messaging(tenant, c.Common)
	if err != nil {
		return err
	}
	channel, err := channelOf(req.Channel, how)
	if err != nil {
		return err
	}
	tpl, known := rules.Template(req.Template, channel)
	if !known {
		return directory.Problems{{Field: "template", Wrong: fmt.Sprintf("there is no template %q for %s", req.Template, channel), Write: "write the name of one of the message rules, or leave it out"}}
	}
	d.Tenant, d.TenantName, d.Call, d.Common, d.CommonName, d.Agent, d.Time = t.ID, t.Name, c.ID, c.Common, c.CommonName, c.Agent, c.Received
	d.Home, d.Prefixes, d.Channel, d.From, d.Template, d.Fields = t.Number, t.Prefixes, record.Channel(channel), rules.Sender.Value, tpl.Value, req.Fields
	d.TemplateFrom = tpl.From
	for _, n := range t.Common {
		if d.CommonName == "" && n.Number == c.Common {
			d.CommonName = n.Name
		}
	}
	if a, ok := s.Tenants().Agent(c.Agent); ok {
		d.AgentName = cmp.Or(a.Name, a.ID)
	}
	if d.Fields.Number == "" && strings.HasPrefix(c.Caller.Number, "+") {
		d.Fields.Number = c.Caller.Number
	}
	d.Fields.Caller = cmp.Or(d.Fields.Caller, c.Caller.Name, c.Caller.Number)
	asked, err := resolve(rules, how)
	if d.Fields.Person == "" {
		d.Fields.Person = cmp.Or(asked, d.CommonName, d.TenantName)
	}
	return err
}

// channelOf is the channel that is asked for, or the one that the instructions prefer.
func channelOf(asked string, how directory.Messaging) (string, error) {
	switch {
	case how.Channel == "none":
		return "", directory.Problems{{Field: "channel", Wrong: "the instructions say that no messages are passed on", Write: "do as they say, or have them changed"}}
	case asked != "":
		return asked, nil
	case how.Channel == directory.ChannelSMS:
		return how.Channel, nil
	case how.Channel == "both":
		return "", directory.Problems{{Field: "channel", Wrong: "the instructions ask for e-mail and SMS", Write: "send one message with channel email and one with channel sms"}}
	}
	return directory.ChannelEmail, nil
}

// messageRules are those that hold for a common number; empty: none is known.
func (s *v1) messageRules(tenant, common string) (directory.EffectiveMessages, error) {
	own, err := s.rulesOf(tenant, directory.ScopeTenant)
	if err != nil {
		return directory.EffectiveMessages{}, err
	}
	var over *directory.MessageRules
	if common != "" {
		if over, err = s.rulesOf(tenant, common); err != nil {
			return directory.EffectiveMessages{}, err
		}
	}
	return directory.InheritMessages(s.Outbox.BuiltIn(), own, over), nil
}

func (s *v1) rulesOf(tenant, id string) (*directory.MessageRules, error) {
	it, err := s.Store.Item(tenant, directory.KindMessages, id)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := &directory.MessageRules{}
	return out, json.Unmarshal(it.Doc, out)
}

// messaging is what the instructions for a common number say of messages.
func (s *v1) messaging(tenant, common string) (how directory.Messaging, err error) {
	own, err := s.instructions(tenant, directory.ScopeTenant)
	if err != nil {
		return how, err
	}
	var over *directory.Instructions
	if common != "" {
		if over, err = s.instructions(tenant, common); err != nil {
			return how, err
		}
	}
	return directory.Inherit(own, over, s.Now(), directory.Settings{}).Message.Value, nil
}

// resolve finds the one address that a message goes to, and who was asked for.
func (s *v1) resolve(d *MessageDraft, to MessageTo, rules directory.EffectiveMessages, how directory.Messaging) (asked string, err error) {
	n := 0
	for _, given := range []bool{to.Person != "", to.Group != "", to.Mailbox, to.Address != ""} {
		if given {
			n++
		}
	}
	wrong := func(field, what, write string) error {
		return directory.Problems{{Field: "to." + field, Wrong: what, Write: write}}
	}
	switch {
	case n != 1:
		return "", directory.Problems{{Field: "to", Wrong: "does not name one recipient", Write: "write exactly one of person, group, mailbox and address"}}
	case to.Person != "":
		return s.resolvePerson(d, to)
	case to.Group != "":
		return d.resolveGroup(to.Group, rules)
	case to.Mailbox:
		d.To = record.Recipient{Kind: record.ToMailbox, Name: cmp.Or(d.CommonName, d.TenantName), Address: how.To}
		if how.To == "" {
			return "", wrong("mailbox", "the instructions name none", "write message.to in the instructions, or another recipient")
		}
		if d.Channel != record.Email {
			return "", wrong("mailbox", "takes e-mail only", "write channel email")
		}
		return "", nil
	}
	address := strings.TrimSpace(to.Address)
	if d.Channel == record.SMS {
		if dialled, err := directory.ParseDialledIn(address, directory.RegionOf(d.Home)); err == nil {
			address = dialled.Number
		}
	}
	if !(directory.MessageRules{Addresses: rules.Addresses}).Allows(address) {
		return "", wrong("address", "is none that the tenant allows", "write one that the message rules name in addresses")
	}
	d.To = record.Recipient{Kind: record.ToAddress, Address: address}
	return "", nil
}

// resolveGroup finds the address of a group.
func (d *MessageDraft) resolveGroup(id string, rules directory.EffectiveMessages) (asked string, err error) {
	g, known := rules.Group(id)
	if !known {
		return "", directory.Problems{{Field: "to.group", Wrong: "there is no such group", Write: "write the id of one of the message rules"}}
	}
	d.To = record.Recipient{Kind: record.ToGroup, Name: g.Name, Address: g.Address(string(d.Channel))}
	if d.To.Address == "" {
		return "", directory.Problems{{Field: "to.group", Wrong: "has no address for " + string(d.Channel), Write: "write the other channel"}}
	}
	return g.Name, nil
}

// resolvePerson picks the person or, where it is asked for, one of their substitutes.
func (s *v1) resolvePerson(d *MessageDraft, to MessageTo) (asked string, err error) {
	p, presence, found, err := s.personNow(d.Tenant, to.Person)
	if err != nil {
		return "", err
	}
	if !found {
		return "", directory.Problems{{Field: "to.person", Wrong: "there is nobody with that id", Write: "write the id of one of the tenant's people"}}
	}
	d.Referral = presence.Phrase
	channel := string(d.Channel)
	if to.Substitute == "always" || to.Substitute == "when_away" && presence.Away {
		for _, id := range p.Substitutes {
			sub, its, found, err := s.personNow(d.Tenant, id)
			if err != nil {
				return "", err
			}
			if found && !its.Away && sub.Address(channel) != "" {
				d.To = record.Recipient{Kind: record.ToSubstitute, Name: sub.Name(), Address: sub.Address(channel)}
				return p.Name(), nil
			}
		}
		if to.Substitute == "always" {
			return "", directory.Problems{{Field: "to.substitute", Wrong: "none of the person's substitutes is there and has an address for " + channel, Write: "write never, or the other channel"}}
		}
	}
	d.To = record.Recipient{Kind: record.ToPerson, Name: p.Name(), Address: p.Address(channel)}
	if d.To.Address == "" {
		return "", directory.Problems{{Field: "to.person", Wrong: "has no address for " + channel, Write: "write the other channel, or another recipient"}}
	}
	return p.Name(), nil
}

// personNow reads a person with what may be said of them.
func (s *v1) personNow(tenant, id string) (p directory.Person, presence directory.Presence, found bool, err error) {
	it, err := s.Store.Item(tenant, directory.KindPerson, id)
	if isNotFound(err) {
		return p, presence, false, nil
	}
	if err == nil {
		err = json.Unmarshal(it.Doc, &p)
	}
	if err != nil {
		return p, presence, false, err
	}
	all, err := s.presences(tenant, id+"/", s.Now())
	if len(all) == 1 {
		presence = all[0].Presence
	}
	return p, presence, true, err
}
