package negotiate

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const (
	key80  = "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20"
	key32  = "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj|2^20|1:32"
	keyGCM = "a=crypto:5 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="
	plain8 = "m=audio 4000 RTP/AVP 8"
	safe8  = "m=audio 4000 RTP/SAVP 8"
)

func TestKeysAreNegotiatedByPolicy(t *testing.T) {
	for _, tc := range []struct {
		secure  Secure
		offer   []string
		want    string // a line of the answer; empty: refused
		warning int
		suite   Suite
	}{
		{SecureOff, []string{plain8}, "m=audio 10000 RTP/AVP 8", 0, NoSuite},
		{SecureOff, []string{plain8, key80}, "m=audio 10000 RTP/AVP 8", 0, NoSuite},
		{SecureOff, []string{safe8, key80}, "", WarnTransport, 0},
		{SecureOptional, []string{plain8}, "m=audio 10000 RTP/AVP 8", 0, NoSuite},
		{SecureOptional, []string{plain8, key80}, "m=audio 10000 RTP/AVP 8", 0, AESCM80},
		{SecureOptional, []string{safe8, keyGCM, key80}, "m=audio 10000 RTP/SAVP 8", 0, AESGCM},
		{SecureOptional, []string{safe8}, "", WarnTransport, 0},
		{SecureRequired, []string{safe8, key80}, "m=audio 10000 RTP/SAVP 8", 0, AESCM80},
		{SecureRequired, []string{plain8, key80}, "m=audio 10000 RTP/AVP 8", 0, AESCM80},
		{SecureRequired, []string{plain8}, "", WarnTransport, 0},
		{SecureRequired, []string{safe8, key32}, "", WarnTransport, 0}, // a master key identifier
		{SecureRequired, []string{safe8, strings.TrimSuffix(key32, "|1:32")}, "m=audio 10000 RTP/SAVP 8", 0, AESCM32},
		{SecureRequired, []string{safe8, key80 + " UNENCRYPTED_SRTP"}, "", WarnTransport, 0},
		{SecureRequired, []string{safe8, key80 + " -UNKNOWN"}, "m=audio 10000 RTP/SAVP 8", 0, AESCM80},
		{SecureRequired, []string{safe8, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:dG9vIHNob3J0"}, "", WarnTransport, 0},
		{SecureOptional, []string{plain8, "m=audio 4002 RTP/SAVP 8", key80}, "m=audio 10000 RTP/SAVP 8", 0, AESCM80},
	} {
		t.Run(fmt.Sprint(tc.secure, tc.offer), func(t *testing.T) {
			s := sessionWith(func(l *Local) { l.Secure = tc.secure })
			answer, _, err := s.Answer(describe(tc.offer...), NoCodec)
			var r *RefusedError
			if tc.want == "" {
				if !errors.As(err, &r) || r.Warning != tc.warning {
					t.Errorf("err = %v, want warning %d", err, tc.warning)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			has(t, answer, tc.want)
			m, _ := s.Media()
			if m.SendKey.Suite != tc.suite || m.ReceiveKey.Suite != tc.suite || tc.suite != NoSuite && m.SendKey == m.ReceiveKey {
				t.Errorf("keys %v and %v, want %v", m.SendKey, m.ReceiveKey, tc.suite)
			}
			if n := strings.Count(string(answer), "a=crypto:"); (n == 1) != (tc.suite != NoSuite) || n > 1 {
				t.Errorf("%d keys in\n%s", n, answer)
			}
			again, changed, err := s.Answer(describe(tc.offer...), NoCodec)
			if err != nil || changed || string(again) != string(answer) {
				t.Errorf("the same offer again: changed %v, %v", changed, err)
			}
		})
	}
}

func TestOfferedKeysMeetTheAnswers(t *testing.T) {
	for _, tc := range []struct {
		secure Secure
		line   string
		answer []string
		suite  Suite
		fails  bool
	}{
		{SecureOff, "m=audio 10000 RTP/AVP 8 0 9 101", []string{plain8, strings.Replace(key80, ":3", ":1", 1)}, NoSuite, false},
		{SecureOptional, "m=audio 10000 RTP/AVP 8 0 9 101", []string{plain8}, NoSuite, false},
		{SecureOptional, "m=audio 10000 RTP/AVP 8 0 9 101", []string{plain8, strings.Replace(key80, ":3", ":1", 1)}, AESCM80, false},
		{SecureOptional, "m=audio 10000 RTP/AVP 8 0 9 101", []string{plain8, key80}, 0, true}, // a tag of another suite
		{SecureRequired, "m=audio 10000 RTP/SAVP 8 0 9 101", []string{safe8, strings.Replace(keyGCM, ":5", ":2", 1)}, AESGCM, false},
		{SecureRequired, "m=audio 10000 RTP/SAVP 8 0 9 101", []string{plain8}, 0, true},
		{SecureRequired, "m=audio 10000 RTP/SAVP 8 0 9 101", []string{safe8}, 0, true},
	} {
		s := sessionWith(func(l *Local) { l.Secure = tc.secure })
		has(t, s.Offer(nil, false), tc.line)
		if _, err := s.Accept(describe(tc.answer...)); (err != nil) != tc.fails {
			t.Errorf("%d %v: %v", tc.secure, tc.answer, err)
		}
		m, done := s.Media()
		if done == tc.fails || m.SendKey.Suite != tc.suite || m.ReceiveKey.Suite != tc.suite {
			t.Errorf("%d %v: keys %v and %v, want %v", tc.secure, tc.answer, m.SendKey, m.ReceiveKey, tc.suite)
		}
		if offer := string(s.Offer(nil, false)); tc.suite != NoSuite &&
			(strings.Count(offer, "a=crypto:") != 1 || !strings.Contains(offer, "a=crypto:1 "+tc.suite.String())) {
			t.Errorf("the next offer changes the key:\n%s", offer)
		}
	}
}

// A key that comes back would come back with its counters at zero.
func TestAKeyThatWasGivenUpNeverServesAgain(t *testing.T) {
	for name, offers := range map[string][][]string{
		"plain between":         {{safe8, key80}, {plain8}, {safe8, key80}, {safe8, key80}},
		"another suite between": {{safe8, keyGCM}, {safe8, key80}, {safe8, keyGCM}, {safe8, key80}},
	} {
		s := sessionWith(func(l *Local) { l.Secure = SecureOptional })
		given, used := map[Crypto]bool{}, Crypto{}
		for i, o := range offers {
			answer, _, err := s.Answer(describe(o...), NoCodec)
			if err != nil {
				t.Fatal(err)
			}
			m, _ := s.Media()
			if m.SendKey != used {
				given[used], used = true, m.SendKey
			}
			if used.Suite != NoSuite && given[used] {
				t.Errorf("%s: answer %d has a key that was given up:\n%s", name, i, answer)
			}
		}
		if offer, want := string(s.Offer(nil, false)), (cryptoLine{1, used}).write(); !strings.Contains(offer, want) {
			t.Errorf("%s: the next offer lacks %s\n%s", name, want, offer)
		}
	}
}

// Forks of a call may answer one offer in turn: the key of each is the offer's.
func TestAnswersToOneOfferComeBackToItsKey(t *testing.T) {
	s := sessionWith(func(l *Local) { l.Secure = SecureRequired })
	s.Offer(nil, false)
	safe := func(tag int, key string) []byte {
		return describe(safe8, fmt.Sprintf("a=crypto:%d %s", tag, strings.SplitN(key, " ", 2)[1]))
	}
	keys := map[Suite]Crypto{}
	for _, answer := range [][]byte{safe(1, key80), safe(2, keyGCM), safe(1, key80)} {
		if _, err := s.Accept(answer); err != nil {
			t.Fatal(err)
		}
		m, _ := s.Media()
		if was, known := keys[m.SendKey.Suite]; known && was != m.SendKey {
			t.Error("another key than was offered")
		}
		keys[m.SendKey.Suite] = m.SendKey
	}
	if _, _, err := s.Answer(safe(1, key80), NoCodec); err != nil {
		t.Fatal(err)
	}
	if m, _ := s.Media(); m.SendKey != keys[AESCM80] {
		t.Error("their offer of the suite in use changes our key")
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	s := sessionWith(func(l *Local) { l.Secure = SecureRequired })
	if _, _, err := s.Answer(describe(safe8, key80), NoCodec); err != nil {
		t.Fatal(err)
	}
	m, _ := s.Media()
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, m.SendKey); text != "AES_CM_128_HMAC_SHA1_80" {
			t.Errorf("%s prints %s", format, text)
		}
	}
}
