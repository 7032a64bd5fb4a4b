package template

// Built-in templates, for tenants that have none of their own.
var (
	// Mail is what an e-mail says.
	Mail = Template{
		Subject: "Telefonmeddelande från {caller} {company}",
		Text: "Hej {recipient}!\n\n{caller} {company} har sökt {person} {time}.\nTelefon: {number}\nÄrende: {wish}\n\n" +
			"Samtalet kom till {common_number}.\n\nVänliga hälsningar\n{agent}\nTelefonist för {tenant}",
		Required: []string{"number"},
	}
	// Short is what an SMS says.
	Short = Template{
		Text:     "{caller} {company} har sökt {person} {time}.\nTel {number}\n{wish}",
		Required: []string{"number"},
	}
)
