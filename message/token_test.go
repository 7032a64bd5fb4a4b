package message_test

import (
	"strings"
	"testing"

	"telefonist/message"
)

// docs/messages.md says how to make it by openssl.
func TestTheTokenOfAHookIsAsDocumented(t *testing.T) {
	u := message.Hooks{Base: "https://us.example", Secret: "secret"}.URL("smtp", "")
	if !strings.HasSuffix(u, "/hooks/messages/smtp?token=01b34e683dbaa98994c8c4ab884dfb1b") {
		t.Errorf("%s", u)
	}
}
