package exchange

import (
	"encoding/xml"
	"net/url"
	"strings"

	"telefonist/directory"
)

// dialogInfo is a document of RFC 4235, as PBXs notify it of a busy lamp field.
type dialogInfo struct {
	XMLName xml.Name `xml:"dialog-info"`
	Entity  string   `xml:"entity,attr"`
	Dialogs []struct {
		State string `xml:"state"`
	} `xml:"dialog"`
}

// readDialogInfo reads how a line is: busy with a confirmed dialog, ringing with one that is not yet, else free (RFC 4235
// section 3.7.1). A partial document that tells of an end alone is taken for a free line: what the line was before is not known
// here, and nearly every line has one call.
func readDialogInfo(data []byte) ([]directory.Report, error) {
	var doc dialogInfo
	if err := parseXML(data, &doc); err != nil {
		return nil, err
	}
	r := directory.Report{Line: directory.LineFree}
	for _, d := range doc.Dialogs {
		switch strings.TrimSpace(d.State) {
		case "confirmed":
			r.Line = directory.LineBusy
		case "trying", "proceeding", "early":
			if r.Line == directory.LineFree {
				r.Line = directory.LineRinging
			}
		}
	}
	return named(r, doc.Entity)
}

// pidf is a document of RFC 3863 with the activities of RFC 4480.
type pidf struct {
	XMLName xml.Name `xml:"presence"`
	Entity  string   `xml:"entity,attr"`
	Persons []struct {
		Activities struct {
			All []element `xml:",any"`
		} `xml:"activities"`
	} `xml:"person"`
	Tuples []struct {
		Activities struct {
			All []element `xml:",any"`
		} `xml:"status>activities"`
	} `xml:"tuple"`
}

// readPIDF reads whether somebody is on the phone (RFC 4480 section 3.2). Other activities say nothing of a line.
func readPIDF(data []byte) ([]directory.Report, error) {
	var doc pidf
	if err := parseXML(data, &doc); err != nil {
		return nil, err
	}
	r := directory.Report{Line: directory.LineFree}
	look := func(all []element) {
		for _, a := range all {
			if a.XMLName.Local == "on-the-phone" {
				r.Line = directory.LineBusy
			}
		}
	}
	for _, p := range doc.Persons {
		look(p.Activities.All)
	}
	for _, t := range doc.Tuples {
		look(t.Activities.All)
	}
	return named(r, doc.Entity)
}

// named sets whom a SIP or tel address is of, by its user part.
func named(r directory.Report, entity string) ([]directory.Report, error) {
	_, rest, ok := strings.Cut(entity, ":")
	user, _, _ := strings.Cut(rest, "@")
	user, _, _ = strings.Cut(user, ";")
	if u, err := url.PathUnescape(user); err == nil {
		user = u
	}
	if !ok || user == "" {
		return nil, directory.Problems{{Field: "entity", Wrong: "names nobody", Write: "write the address of the line, as sip:205@pbx.example"}}
	}
	r.Number = user
	return []directory.Report{r}, nil
}
