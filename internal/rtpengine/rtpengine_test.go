package rtpengine

import (
	"maps"
	"testing"
)

func TestADictionaryOfStringsIsReadAndNothingElse(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"de":                                  {},
		"d6:result4:ponge":                    {"result": "pong"},
		"d3:sdp8:v=0\r\n:ee6:result2:oke":     {"sdp": "v=0\r\n:ee", "result": "ok"},
		"":                                    nil,
		"6:result4:pong":                      nil,
		"d6:result4:pong":                     nil,
		"d6:result":                           nil,
		"d6:result-1:e":                       nil,
		"d6:result9:ponge":                    nil,
		"d7:createdi1796062684e6:result2:oke": nil,
	} {
		got, err := dictionary(text)
		if (err == nil) != (want != nil) || !maps.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
