package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"

	"telefonist/calendar"
	"telefonist/directory"
	"telefonist/tariff"
)

// Key is one key that may be written, for documentation.
type Key struct {
	Path    string // "sip.listen", "tenants[].id"
	Type    string // "duration", "queue or ring"
	Default string // as it would be written; "required" where there is none; empty for nothing
	Meaning string
}

// Keys lists every key in the order of the documentation: first those of the main file, then those of provisioning files.
func Keys() []Key {
	var keys []Key
	walk(&keys, reflect.ValueOf(*Default()), "")
	walk(&keys, reflect.ValueOf(Provision{}), "")
	return keys
}

// Reference prints every key with type, default and meaning, as two Markdown tables.
func Reference() string {
	var b strings.Builder
	heading := func(title string) {
		b.WriteString("### " + title + "\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n")
	}
	heading("Configuration file")
	for _, k := range Keys() {
		if k.Path == "tenants" {
			b.WriteString("\n")
			heading("Provisioning files")
		}
		value := k.Default
		if value != "" && value != "required" {
			value = "`" + value + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", k.Path, k.Type, value, k.Meaning)
	}
	return b.String()
}

func walk(keys *[]Key, v reflect.Value, path string) {
	for _, f := range fields(v.Type()) {
		at, value := join(path, f.name), v.FieldByIndex(f.index)
		t := value.Type()
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		k := Key{Path: at, Type: keyType(t, f.tag), Meaning: meanings[at]}
		switch {
		case f.tag.Get("required") != "":
			k.Default = "required"
		case value.Kind() != reflect.Pointer && !section(t):
			k.Default = written(value)
		}
		*keys = append(*keys, k)
		switch {
		case section(t) && t == value.Type():
			walk(keys, value, at)
		case t.Kind() == reflect.Slice && t.Elem() == planType:
			walk(keys, reflect.ValueOf(tariff.DefaultPlan()), at+"[]")
		case t.Kind() == reflect.Slice && section(t.Elem()):
			walk(keys, reflect.New(t.Elem()).Elem(), at+"[]")
		}
	}
}

// section tells whether a type is written as keys below a key, not as one value.
func section(t reflect.Type) bool {
	if _, whole := typeNames[t]; whole {
		return false
	}
	return t.Kind() == reflect.Struct && !reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// typeNames says what is written for each type of value.
var typeNames = map[reflect.Type]string{
	reflect.TypeFor[Listen]():          "udp:// or tcp://address:port",
	reflect.TypeFor[HostPort]():        "address:port",
	reflect.TypeFor[Addr]():            "IP address",
	reflect.TypeFor[Ports]():           "first-last",
	reflect.TypeFor[Source]():          "network, address or \"address:port\"",
	reflect.TypeFor[Network]():         "network or address",
	reflect.TypeFor[Target]():          "SIP URI",
	reflect.TypeFor[URL]():             "URL",
	reflect.TypeFor[Number]():          "telephone number",
	reflect.TypeFor[Dial]():            "telephone number or extension",
	reflect.TypeFor[Extension]():       "2 to 5 digits",
	reflect.TypeFor[Prefix]():          "\"+\" and digits",
	reflect.TypeFor[ID]():              "id",
	reflect.TypeFor[Codec]():           "codec",
	reflect.TypeFor[Hours]():           "days: hours",
	reflect.TypeFor[Caller]():          "telephone number, its beginning or anonymous",
	reflect.TypeFor[Skill]():           "skill",
	reflect.TypeFor[QueueKey]():        "wish, \"forward number\" or \"say prompt\"",
	reflect.TypeFor[DialCode]():        "code",
	reflect.TypeFor[calendar.Window](): "hh:mm-hh:mm",
	reflect.TypeFor[calendar.Date]():   "date",
	secretType:                         "text",
	reflect.TypeFor[tariff.Version]():  "whole number",
	reflect.TypeFor[tariff.Prices]():   "tariff: öre",
	durationType:                       "duration",
	tariffType:                         "duration",
}

func typeName(t reflect.Type) string {
	if name, ok := typeNames[t]; ok {
		return name
	}
	return "a value"
}

// choices are the enumerations that the tariff room checks itself.
var choices = map[reflect.Type]string{
	reflect.TypeFor[tariff.Mediation]():  "replace or add",
	reflect.TypeFor[tariff.MediatedBy](): "any or announced",
	reflect.TypeFor[tariff.LongCalls]():  "all or customer_service",
}

func keyType(t reflect.Type, tag reflect.StructTag) string {
	if enum := tag.Get("enum"); enum != "" {
		return oneOf(strings.Split(enum, "|"))
	}
	if name, ok := typeNames[t]; ok {
		return name
	}
	if name, ok := choices[t]; ok {
		return name
	}
	switch t.Kind() {
	case reflect.Slice:
		if section(t.Elem()) {
			return "list"
		}
		return "list of " + keyType(t.Elem(), "")
	case reflect.Map:
		if t.Key() == reflect.TypeFor[Digit]() {
			return "key: " + keyType(t.Elem(), "")
		}
		return "name: " + keyType(t.Elem(), "")
	case reflect.Struct:
		return "section"
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	}
	return "whole number"
}

// written gives a default as it would be written in YAML.
func written(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		if x == 0 {
			return "0"
		}
		return tariff.Duration(x).String()
	case directory.Secret:
		return ""
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil || len(text) == 0 {
			return `""`
		}
		return string(text)
	}
	switch v.Kind() {
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = written(v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Map:
		return fmt.Sprintf("{%s}", strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(v.Interface()), "map["), "]"))
	case reflect.String:
		if v.Len() == 0 {
			return `""`
		}
	}
	return fmt.Sprint(v.Interface())
}
