package registrar

import (
	"errors"
	"strconv"
	"strings"
)

// maxAuthorization is the longest Authorization header value read, in bytes.
const maxAuthorization = 2048

// authorization is a parsed Authorization or Proxy-Authorization (RFC 7616 3.4).
type authorization struct {
	username, realm, nonce, uri, response, cnonce string
	algorithm                                     string // "MD5" or "SHA-256"
	nc                                            uint32
}

var (
	errNotDigest   = errors.New("not digest credentials")
	errSyntax      = errors.New("malformed digest credentials")
	errUnsupported = errors.New("digest without qop=auth, or of another algorithm")
)

// parseAuthorization reads digest credentials. Only what we challenge for is
// accepted: qop=auth with nc and cnonce, MD5 or SHA-256. The -sess variants,
// auth-int and hashed user names are refused, and so is a parameter that comes
// twice.
func parseAuthorization(s string) (authorization, error) {
	if len(s) > maxAuthorization {
		return authorization{}, errSyntax
	}
	scheme, rest, ok := strings.Cut(strings.TrimSpace(s), " ")
	if !ok || !strings.EqualFold(scheme, "Digest") {
		return authorization{}, errNotDigest
	}
	params, err := parseParams(rest)
	if err != nil {
		return authorization{}, err
	}
	a := authorization{
		username: params["username"], realm: params["realm"], nonce: params["nonce"], uri: params["uri"],
		response: strings.ToLower(params["response"]), cnonce: params["cnonce"],
	}
	for _, v := range []string{a.username, a.realm, a.nonce, a.uri, a.response} {
		if v == "" {
			return authorization{}, errSyntax
		}
	}
	if err := a.readAlgorithm(params); err != nil {
		return authorization{}, err
	}
	if len(params["nc"]) != 8 || a.cnonce == "" || len(a.cnonce) > 256 {
		return authorization{}, errSyntax
	}
	nc, err := strconv.ParseUint(params["nc"], 16, 32)
	if err != nil || nc == 0 {
		return authorization{}, errSyntax
	}
	a.nc = uint32(nc)
	return a, nil
}

func (a *authorization) readAlgorithm(params map[string]string) error {
	digits := 32
	switch strings.ToUpper(params["algorithm"]) {
	case "", "MD5":
		a.algorithm = "MD5"
	case "SHA-256":
		a.algorithm = "SHA-256"
		digits = 64
	default:
		return errUnsupported
	}
	if !strings.EqualFold(params["qop"], "auth") || strings.EqualFold(params["userhash"], "true") {
		return errUnsupported
	}
	if len(a.response) != digits || strings.Trim(a.response, "0123456789abcdef") != "" {
		return errSyntax
	}
	return nil
}

// parseParams reads name=value pairs, values as tokens or quoted strings, parted
// by commas.
func parseParams(s string) (map[string]string, error) {
	params := make(map[string]string, 12)
	for {
		s = strings.TrimLeft(s, " \t,")
		if s == "" {
			return params, nil
		}
		name, rest, ok := strings.Cut(s, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if !ok || name == "" || strings.ContainsAny(name, " \t,\"") {
			return nil, errSyntax
		}
		if _, twice := params[name]; twice {
			return nil, errSyntax
		}
		value, rest, err := parseValue(strings.TrimLeft(rest, " \t"))
		if err != nil {
			return nil, err
		}
		params[name] = value
		if rest = strings.TrimLeft(rest, " \t"); rest != "" && rest[0] != ',' {
			return nil, errSyntax
		}
		s = rest
	}
}

func parseValue(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], nil
		case '\\':
			if i++; i == len(s) {
				return "", "", errSyntax
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", errSyntax
}
