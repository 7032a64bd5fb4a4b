package exchange

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"telefonist/directory"
)

// webhook reads what a PBX posts: JSON, a form, or XML with the same field names. For lines it reads the documents of SIP too,
// dialog-info (RFC 4235) and PIDF (RFC 3863).
type webhook struct{ line bool }

// Read implements Source.
func (w webhook) Read(contentType string, data []byte) ([]directory.Report, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		kind = ""
	}
	var all []directory.Report
	switch {
	case w.line && kind == "application/dialog-info+xml":
		return readDialogInfo(data)
	case w.line && kind == "application/pidf+xml":
		return readPIDF(data)
	case kind == "application/x-www-form-urlencoded":
		all, err = readForm(data)
	case kind == "application/xml", kind == "text/xml", strings.HasSuffix(kind, "+xml"):
		all, err = readXML(data)
	case kind == "application/json", kind == "", strings.HasSuffix(kind, "+json"):
		all, err = readJSON(data)
	default:
		return nil, fmt.Errorf("content type %q is not read here: send JSON, a form or XML", kind)
	}
	for i := range all {
		if line := all[i].Line != ""; err == nil && line != w.line {
			err = directory.Problems{{Field: "line", Wrong: "is for the webhook line, and that one needs it", Write: "send referrals to webhooks/referral and lines to webhooks/line"}}
		}
	}
	return all, err
}

// readJSON reads one report or a list of them. A field that does not exist is an error.
func readJSON(data []byte) (all []directory.Report, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '[' {
		err = d.Decode(&all)
	} else {
		all = make([]directory.Report, 1)
		err = d.Decode(&all[0])
	}
	if err == nil && d.More() {
		err = errors.New("something follows the document")
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return nil, directory.Problems{{Field: kind.Field, Wrong: "is " + kind.Value, Write: "write " + kind.Type.String()}}
	}
	if err != nil {
		name, unknown := strings.CutPrefix(err.Error(), "json: unknown field ")
		if field, uerr := strconv.Unquote(name); unknown && uerr == nil {
			return nil, directory.Problems{{Field: field, Wrong: "is no field", Write: "write one of " + strings.Join(fieldNames(), ", ")}}
		}
		return nil, fmt.Errorf("this is no JSON of a report: %w", err)
	}
	return all, nil
}

// readForm reads one report. Fields that mean nothing here are passed over: a PBX cannot always leave out its own.
func readForm(data []byte) ([]directory.Report, error) {
	values, err := url.ParseQuery(string(data))
	if err != nil {
		return nil, fmt.Errorf("this is no form: %w", err)
	}
	fields := map[string]string{}
	for name, v := range values {
		fields[name] = v[len(v)-1]
	}
	r, err := reportOf(fields)
	return []directory.Report{r}, err
}

// element is an XML element with what it holds.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

// readXML reads one report, whose fields are elements below the root, or many: elements below the root that have elements.
func readXML(data []byte) (all []directory.Report, err error) {
	var root element
	if err := parseXML(data, &root); err != nil {
		return nil, err
	}
	reports := []element{root}
	if slices.ContainsFunc(root.Children, func(e element) bool { return len(e.Children) > 0 }) {
		reports = root.Children
	}
	for _, e := range reports {
		fields := map[string]string{}
		for _, c := range e.Children {
			fields[c.XMLName.Local] = strings.TrimSpace(c.Text)
		}
		r, err := reportOf(fields)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// maxDepth of XML elements: what is read here has three.
const maxDepth = 20

func parseXML(data []byte, into any) error {
	depth, d := 0, xml.NewDecoder(bytes.NewReader(data))
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("this is no XML: %w", err)
		}
		switch t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > maxDepth {
			return fmt.Errorf("elements lie more than %d deep", maxDepth)
		}
	}
	if err := xml.Unmarshal(data, into); err != nil {
		return fmt.Errorf("this is no XML that is known here: %w", err)
	}
	return nil
}

// fieldNames are those of a report, as JSON has them.
func fieldNames() (names []string) {
	for f := range reflect.TypeFor[directory.Report]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

// reportOf makes a report of fields that are all text.
func reportOf(fields map[string]string) (r directory.Report, err error) {
	var wrong directory.Problems
	v := reflect.ValueOf(&r).Elem()
	for i, name := range fieldNames() {
		text := strings.TrimSpace(fields[name])
		if text == "" {
			continue
		}
		if problem := set(v.Field(i), text); problem != "" {
			wrong = append(wrong, directory.Problem{Field: name, Wrong: fmt.Sprintf("is %q", text), Write: problem})
		}
	}
	return r, wrong.Err()
}

// set gives a field its value; problem says what to write instead.
func set(f reflect.Value, text string) (problem string) {
	switch f.Interface().(type) {
	case time.Time:
		at, ok := directory.ParseInstant(text)
		if !ok {
			return "write an instant such as 2026-11-23T15:00:00+01:00, or the time in Stockholm as 2026-11-23 15:00"
		}
		f.Set(reflect.ValueOf(at))
	case bool, *bool:
		b, ok := parseBool(text)
		if !ok {
			return "write true or false"
		}
		if f.Kind() == reflect.Pointer {
			f.Set(reflect.ValueOf(&b))
		} else {
			f.SetBool(b)
		}
	case int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return "write a whole number"
		}
		f.SetInt(int64(n))
	default:
		f.SetString(text)
	}
	return ""
}

func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "1", "yes", "on", "ja":
		return true, true
	case "false", "0", "no", "off", "nej":
		return false, true
	}
	return false, false
}
