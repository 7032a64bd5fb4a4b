package config

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"telefonist/tariff"
)

// pairs returns the entries of a mapping in the order written.
func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// field is a key of a struct.
type field struct {
	name  string
	index []int // of reflect.Value.FieldByIndex
	tag   reflect.StructTag
}

// fields returns the keys of a struct type in their order, with those of the structs that are embedded in it.
func fields(t reflect.Type) []field {
	var all []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			all = append(all, field{name, f.Index, f.Tag})
		}
	}
	return all
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// mapping decodes the keys of a struct: unknown ones, ones given twice and required ones left out are errors.
func (d decoder) mapping(n ast.Node, v reflect.Value, path string) {
	entries, ok := pairs(n)
	known := fields(v.Type())
	if !ok {
		names := make([]string, len(known))
		for i, f := range known {
			names[i] = f.name
		}
		d.s.fail(path, "is "+kind(n)+", not a mapping", "write keys and values below it: "+strings.Join(names, ", "))
		return
	}
	seen := map[string]position{}
	for _, entry := range entries {
		name, at, ok := d.key(entry, path)
		if !ok {
			continue
		}
		if first, twice := seen[name]; twice {
			d.s.failAt(at, join(path, name), fmt.Sprintf("is given twice, first on line %d", first.line), "take one out")
			continue
		}
		seen[name] = at
		if f, ok := byName(known, name); ok {
			d.s.at["key:"+join(path, name)] = at
			d.value(entry.Value, v.FieldByIndex(f.index), join(path, name), f.tag)
			continue
		}
		d.unknown(at, path, name, known)
	}
	for _, f := range known {
		if fix := f.tag.Get("required"); fix != "" {
			if _, given := seen[f.name]; !given {
				d.s.fail(path, f.name+" is missing", "write "+fix)
			}
		}
	}
}

func byName(known []field, name string) (field, bool) {
	for _, f := range known {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

func (d decoder) key(entry *ast.MappingValueNode, path string) (string, position, bool) {
	at := place(entry.Key)
	if _, merge := entry.Key.(*ast.MergeKeyNode); merge {
		d.s.failAt(at, path, "merge keys are not understood", "write the keys themselves")
		return "", at, false
	}
	name, ok := scalar(entry.Key)
	if !ok || len(name) > 100 {
		d.s.failAt(at, path, "this key is not a name", "write a key as the documentation has it")
		return "", at, false
	}
	return name, at, true
}

// misplaced are keys that people write in another place than they belong, by their path without indices.
var misplaced = map[string]string{
	"tenants":              "write it into a file of its own that is listed under provision",
	"agents":               "write it into a file of its own that is listed under provision",
	"trunks":               "write it into the main configuration",
	"plans":                "write it into the main configuration",
	"log_level":            "write log: {level: info}",
	"rtp":                  "write media",
	"queue.included":       "write it into a plan under plans",
	"queue.long_after":     "write it into a plan under plans",
	"queue.forward_to":     "write it for each tenant that forwards",
	"queue.closed_to":      "write it for each tenant that forwards",
	"queue.limit_to":       "write it for each tenant that forwards",
	"queue.hours":          "write it for each tenant",
	"queue.groups":         "write groups beside queue",
	"tenants[].groups":     "write levels: [{groups: [one]}]",
	"tenants[].mode":       "write service",
	"tenants[].numbers":    "write common_numbers",
	"tenants[].included":   "write it into a plan under plans, and name that under plan",
	"tenants[].long_after": "write it into a plan under plans, and name that under plan",
}

var index = regexp.MustCompile(`\[\d+\]`)

// unknown reports a key that there is not, without its value: it may be a misspelled password.
func (d decoder) unknown(at position, path, name string, known []field) {
	names := make([]string, len(known))
	for i, f := range known {
		names[i] = f.name
	}
	fix := "write one of " + strings.Join(names, ", ")
	if near := closest(name, names); near != "" {
		fix = fmt.Sprintf("did you mean %s?", near)
	} else if elsewhere, ok := misplaced[index.ReplaceAllString(join(path, name), "[]")]; ok {
		fix = elsewhere
	}
	d.s.failAt(at, join(path, printable(name)), "unknown key", fix)
}

// list decodes a sequence. It replaces what was there.
func (d decoder) list(n ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		fix := "write each entry on a line of its own after a dash"
		if text, plain := scalar(n); plain && v.Type().Elem() != secretType {
			fix = fmt.Sprintf("write [%s]", text)
		}
		d.s.fail(path, "is "+kind(n)+", not a list", fix)
		return
	}
	out := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, entry := range seq.Values {
		if out.Index(i).Type() == planType {
			out.Index(i).Set(reflect.ValueOf(tariff.DefaultPlan()))
		}
		at := fmt.Sprintf("%s[%d]", path, i)
		if _, null := entry.(*ast.NullNode); null || entry == nil {
			d.s.at[at] = place(entry)
			d.s.fail(at, "is empty", "take the dash out")
			continue
		}
		d.value(entry, out.Index(i), at, tag)
	}
	v.Set(out)
}

var plainName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*$`)

// names decodes a mapping whose keys are free names or numbers. It replaces what was there.
func (d decoder) names(n ast.Node, v reflect.Value, path string) {
	entries, ok := pairs(n)
	if !ok {
		d.s.fail(path, "is "+kind(n)+", not a mapping", "write name: value, one a line")
		return
	}
	out := reflect.MakeMap(v.Type())
	for _, entry := range entries {
		name, at, ok := d.key(entry, path)
		if !ok {
			continue
		}
		key, fix := mapKey(v.Type().Key(), name)
		switch {
		case fix != "":
			d.s.failAt(at, path, fmt.Sprintf("%q is no key here", printable(name)), fix)
		case out.MapIndex(key).IsValid():
			d.s.failAt(at, join(path, name), "is given twice", "take one out")
		default:
			value := reflect.New(v.Type().Elem()).Elem()
			d.value(entry.Value, value, join(path, name), "")
			out.SetMapIndex(key, value)
		}
	}
	v.Set(out)
}

// mapKey gives a key as the map wants it, or what to write instead.
func mapKey(t reflect.Type, name string) (key reflect.Value, fix string) {
	key = reflect.New(t).Elem()
	if u, ok := key.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(name)); err != nil {
			_, fix = split(err)
		}
		return key, fix
	}
	if t.Kind() == reflect.String {
		if !plainName.MatchString(name) {
			return key, "write a name of a-z, 0-9, _ and -"
		}
		key.SetString(name)
		return key, ""
	}
	n, err := strconv.ParseUint(name, 10, t.Bits())
	if err != nil {
		return key, "write a number, such as 1"
	}
	key.SetUint(n)
	return key, ""
}
