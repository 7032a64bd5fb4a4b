package template

// Built-in templates, for tenants that have none of their own.
var (
	// Mail is what an e-mail says.
	Mail = Template{
		Subject: "Telefonmeddelande från {caller} {company}",
		Text: "Hej {person}!\n\n{caller} {company} har sökt dig {time}.\nTelefon: {number}\nÄrende: {wish}\n\n" +
			"Samtalet kom till {common_number}.\n\nVänliga hälsningar\n{agent}\nTelefonist för {tenant}",
		Required: []string{"number"},
	}
	// Short is what an SMS says.
	Short = Template{
		Text:     "{caller} {company} har sökt {person} {time}.\nTel {number}\n{wish}",
		Required: []string{"number"},
	}
)

// Set is what a tenant has: templates for itself, and others for some of its common numbers. What is nil is inherited: a
// common number's from the tenant, the tenant's from the built-in ones.
type Set struct {
	Mail  *Template `json:"mail,omitempty"`
	Short *Template `json:"short,omitempty"`
	// Common holds those of common numbers, by number (E.164).
	Common map[string]Set `json:"common,omitempty"`
}

// Origin says where a template comes from.
type Origin string

// Origins, from the nearest to the farthest.
const (
	FromCommonNumber Origin = "common_number"
	FromTenant       Origin = "tenant"
	BuiltIn          Origin = "built-in"
)

// Choose gives the template for an e-mail (mail) or an SMS to someone of a common number, empty for none, and where it comes
// from.
func (s Set) Choose(mail bool, commonNumber string) (Template, Origin) {
	pick := func(s Set) *Template {
		if mail {
			return s.Mail
		}
		return s.Short
	}
	if c, ok := s.Common[commonNumber]; ok && commonNumber != "" {
		if t := pick(c); t != nil {
			return *t, FromCommonNumber
		}
	}
	if t := pick(s); t != nil {
		return *t, FromTenant
	}
	if mail {
		return Mail, BuiltIn
	}
	return Short, BuiltIn
}
