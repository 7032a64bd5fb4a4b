package directory

import "fmt"

// hidden is printed in place of a secret.
const hidden = "[hidden]"

// Secret is a password. However it is printed, logged or encoded it shows that it is there, never what it is; string(s)
// gives the text to the one place that needs it.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return hidden
}

// Format hides the secret under every verb.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText hides the secret in JSON, YAML and structured logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
