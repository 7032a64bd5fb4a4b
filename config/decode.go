package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"telefonist/directory"
	"telefonist/tariff"
)

// Limits of what is read at all, far beyond any real file.
const (
	maxFile  = 8 << 20 // bytes
	maxDepth = 64      // lists and mappings within each other
	maxText  = 4096    // characters of one value
)

// decode reads one YAML document into the struct that to points to. What is not in the file keeps its value. Everything
// that is wrong is recorded in s.
func decode(s *source, data []byte, to any) {
	root, ok := parse(s, data)
	if !ok || root == nil {
		return
	}
	d := decoder{s}
	d.value(root, reflect.ValueOf(to).Elem(), "", "")
}

// parse returns the root of the document, nil where it is empty, false where it cannot be read.
func parse(s *source, data []byte) (root ast.Node, ok bool) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // the mark that Windows editors set before UTF-8
	if problem, at := unreadable(data); problem != "" {
		s.failAt(at, "", problem, "write an ordinary YAML file in UTF-8")
		return nil, false
	}
	defer func() {
		if r := recover(); r != nil { // the parser is not ours
			s.failAt(position{1, 1}, "", "this cannot be read as YAML", "write one key and value a line, as key: value")
			root, ok = nil, false
		}
	}()
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at, message := position{1, 1}, "this cannot be read as YAML"
		var syntax yaml.Error
		if errors.As(err, &syntax) {
			message = "YAML: " + syntax.GetMessage()
			if t := syntax.GetToken(); t != nil && t.Position != nil {
				at = position{t.Position.Line, t.Position.Column}
			}
		}
		s.failAt(at, "", message, "write it as YAML: key: value, indented by spaces, brackets and quotes closed, values with colons in quotes")
		return nil, false
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			s.failAt(place(doc.Body), "", "a second document begins here", "take out the line ---")
			break
		}
		root = doc.Body
	}
	return root, true
}

// unreadable guards the parser, whose time grows with the square of the nesting.
func unreadable(data []byte) (string, position) {
	if len(data) > maxFile {
		return fmt.Sprintf("the file is larger than %d MiB", maxFile>>20), position{1, 1}
	}
	if !utf8.Valid(data) {
		for i, line := range bytes.Split(data, []byte("\n")) {
			if !utf8.Valid(line) {
				return "a letter here is not UTF-8 (Latin-1?)", position{i + 1, 1}
			}
		}
	}
	line, depth, dashes, deepest := 1, 0, 0, 0
	for i, c := range data {
		switch c {
		case '\n':
			line, dashes = line+1, 0
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		case '-', '?', ':':
			if i+1 < len(data) && (data[i+1] == ' ' || data[i+1] == '\t') {
				dashes++
			}
		case 0:
			return "the file holds a zero byte", position{line, 1}
		}
		if deepest = max(deepest, depth); deepest > maxDepth {
			return "too many lists within each other", position{line, 1}
		}
		if dashes > 100*maxDepth {
			return "too much on one line", position{line, 1}
		}
	}
	return "", position{}
}

func place(n ast.Node) position {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return position{1, 1}
	}
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return place(m.Values[0].Key)
	}
	p := n.GetToken().Position
	return position{p.Line, p.Column}
}

type decoder struct{ s *source }

// nodeReader is a value that is written in a form of its own.
type nodeReader interface {
	readYAML(d decoder, n ast.Node, path string)
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	tariffType   = reflect.TypeFor[tariff.Duration]()
	secretType   = reflect.TypeFor[directory.Secret]()
	planType     = reflect.TypeFor[tariff.Plan]()
)

// value decodes a node into v. The tag is that of the struct field that v belongs to.
func (d decoder) value(n ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	d.s.at[path] = place(n)
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.s.fail(path, "anchors, aliases and tags are not understood", "write the value itself")
		return
	case *ast.NullNode:
		if k := v.Kind(); k != reflect.Struct && k != reflect.Slice && k != reflect.Map {
			d.s.fail(path, "has no value", "write one, or take the line out")
		}
		return
	}
	if v.Kind() == reflect.Pointer {
		fresh := reflect.New(v.Type().Elem())
		d.value(n, fresh.Elem(), path, tag)
		v.Set(fresh)
		return
	}
	if r, ok := v.Addr().Interface().(nodeReader); ok {
		r.readYAML(d, n, path)
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok && v.Type() != tariffType && v.Type() != secretType {
		d.text(n, v, u, path)
		return
	}
	switch {
	case v.Type() == durationType || v.Type() == tariffType:
		d.duration(n, v, path, tag)
	case v.Kind() == reflect.Struct:
		d.mapping(n, v, path)
	case v.Kind() == reflect.Slice:
		d.list(n, v, path, tag)
	case v.Kind() == reflect.Map:
		d.names(n, v, path)
	case v.Kind() == reflect.String:
		d.str(n, v, path, tag)
	case v.Kind() == reflect.Bool:
		d.boolean(n, v, path)
	default:
		d.integer(n, v, path, tag)
	}
}

// scalar returns the text of a plain value as it was written, so that 0850 and +46… keep their digits.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) == 1 {
			return colonScalar(n.Values[0])
		}
	case *ast.MappingValueNode:
		return colonScalar(n)
	}
	return "", false
}

// colonScalar puts udp://0.0.0.0:5060 together again, which the parser takes for a mapping where it stands in a list
// within braces. A colon that no space follows is part of a plain value (YAML 1.2.2 section 7.3.3).
func colonScalar(n *ast.MappingValueNode) (string, bool) {
	key, value, colon := n.Key.GetToken(), n.Value.GetToken(), n.GetToken()
	if key == nil || value == nil || colon == nil || key.Type == token.SingleQuoteType || key.Type == token.DoubleQuoteType ||
		value.Position.Line != colon.Position.Line || value.Position.Column != colon.Position.Column+1 {
		return "", false
	}
	before, ok1 := scalar(n.Key)
	after, ok2 := scalar(n.Value)
	return before + ":" + after, ok1 && ok2
}

func (d decoder) plain(n ast.Node, path, what string) (string, bool) {
	s, ok := scalar(n)
	switch {
	case !ok:
		d.s.fail(path, "is "+kind(n)+", not "+what, "write one value after the colon")
	case len(s) > maxText:
		d.s.fail(path, fmt.Sprintf("is longer than %d bytes", maxText), "write a shorter one")
		return "", false
	case strings.ContainsFunc(s, unicode.IsControl):
		d.s.fail(path, "holds a line break or another control character", "write it on one line")
		return "", false
	}
	return s, ok
}

func kind(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	}
	return "a single value"
}

func (d decoder) str(n ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	s, ok := d.plain(n, path, "a text")
	if !ok {
		return
	}
	if _, yes := n.(*ast.BoolNode); yes && v.Type() != secretType {
		d.s.fail(path, s+" is a truth value, not a text", fmt.Sprintf("write %q in quotes if it is meant", s))
		return
	}
	if choices := tag.Get("enum"); choices != "" {
		names := strings.Split(choices, "|")
		for _, name := range names {
			if s == name {
				v.SetString(s)
				return
			}
		}
		d.s.fail(path, fmt.Sprintf("%q is no choice", s), "write "+oneOf(names))
		return
	}
	v.SetString(s)
}

func (d decoder) text(n ast.Node, v reflect.Value, u encoding.TextUnmarshaler, path string) {
	s, ok := d.plain(n, path, typeName(v.Type()))
	if !ok {
		return
	}
	if err := u.UnmarshalText([]byte(s)); err != nil {
		problem, fix := split(err)
		d.s.fail(path, problem, fix)
	}
}

// split parts the message of a value's own check at its ": write ", the way all of them are worded.
func split(err error) (problem, fix string) {
	var e *valueError
	if errors.As(err, &e) {
		return e.problem, e.fix
	}
	if problem, fix, found := strings.Cut(err.Error(), ": write "); found {
		return problem, "write " + fix
	}
	return err.Error(), ""
}

func (d decoder) boolean(n ast.Node, v reflect.Value, path string) {
	if b, ok := n.(*ast.BoolNode); ok {
		v.SetBool(b.Value)
		return
	}
	s, ok := d.plain(n, path, "true or false")
	if !ok {
		return
	}
	fix := "write true or false"
	switch strings.ToLower(s) {
	case "yes", "on", "ja", "1":
		fix = "write true"
	case "no", "off", "nej", "0":
		fix = "write false"
	}
	d.s.fail(path, fmt.Sprintf("%q is neither true nor false", s), fix)
}

func (d decoder) integer(n ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	s, ok := d.plain(n, path, "a whole number")
	if !ok {
		return
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		d.s.fail(path, fmt.Sprintf("%q is not a whole number", s), "write digits only, such as 10")
		return
	}
	least, most := int64(0), int64(1)<<31-1
	if v.Type().Bits() == 64 {
		most = 1<<62 - 1
	}
	if t := tag.Get("min"); t != "" {
		least, _ = strconv.ParseInt(t, 10, 64)
	}
	if t := tag.Get("max"); t != "" {
		most, _ = strconv.ParseInt(t, 10, 64)
	}
	if i < least || i > most {
		d.s.fail(path, fmt.Sprintf("%d is out of range", i), fmt.Sprintf("write %d to %d", least, most))
		return
	}
	v.SetInt(i)
}

func (d decoder) duration(n ast.Node, v reflect.Value, path string, tag reflect.StructTag) {
	s, ok := d.plain(n, path, "a length of time")
	if !ok {
		return
	}
	got, err := time.ParseDuration(s)
	if err != nil {
		fix := "write a number with its unit, such as 500ms, 15s or 2m"
		if _, err := strconv.Atoi(s); err == nil {
			fix = "write " + s + "s if seconds are meant"
		}
		d.s.fail(path, fmt.Sprintf("%q is not a length of time", s), fix)
		return
	}
	least, most := time.Duration(0), 24*time.Hour
	if t := tag.Get("min"); t != "" {
		least, _ = time.ParseDuration(t)
	}
	if t := tag.Get("max"); t != "" {
		most, _ = time.ParseDuration(t)
	}
	if off := tag.Get("off"); got == 0 && off != "" {
		least = 0
	}
	if got < least || got > most {
		d.s.fail(path, s+" is out of range", fmt.Sprintf("write %s to %s", tariff.Duration(least), tariff.Duration(most)))
		return
	}
	v.SetInt(int64(got))
}
