package media

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"telefonist/call"
	"telefonist/media/negotiate"
)

//go:embed prompts/*.wav
var builtin embed.FS

// clip is a sound in both codecs, encoded once for all listeners.
type clip struct {
	name       string
	alaw, ulaw []byte
}

func newClip(name string, samples []int16) *clip {
	c := &clip{name: name, alaw: make([]byte, len(samples)), ulaw: make([]byte, len(samples))}
	for i, s := range samples {
		c.alaw[i] = encode(s, negotiate.PCMA)
		c.ulaw[i] = encode(s, negotiate.PCMU)
	}
	return c
}

func (c *clip) len() int { return len(c.alaw) }

func (c *clip) encoded(codec negotiate.Codec) []byte {
	if codec == negotiate.PCMU {
		return c.ulaw
	}
	return c.alaw
}

// library holds the sources by the names that call.Play uses.
type library map[string]*clip

// loadLibrary reads the built-in prompts and those that replace or join them. An error names the file and what is
// wrong with it.
func loadLibrary(files fs.FS, replace map[string]string) (library, error) {
	lib := library{
		// Swedish tones (ITU-T E.180 supplement 2): 425 Hz, 1 s on and 5 s off; 0.25 s on and off.
		call.SourceRingback: newClip(call.SourceRingback, beeps(425, 0.12, 1000, 5000)),
		call.SourceBusy:     newClip(call.SourceBusy, beeps(425, 0.12, 250, 250)),
	}
	entries, err := builtin.ReadDir("prompts")
	if err != nil {
		return nil, fmt.Errorf("built-in prompts: %w", err)
	}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".wav")
		if _, replaced := replace[name]; replaced {
			continue
		}
		b, err := builtin.ReadFile(path.Join("prompts", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("built-in prompts: %w", err)
		}
		if err := lib.add(name, b); err != nil {
			return nil, fmt.Errorf("built-in prompt %s: %w", name, err)
		}
	}
	for name, file := range replace {
		var b []byte
		var err error
		if files != nil {
			b, err = fs.ReadFile(files, file)
		} else {
			b, err = os.ReadFile(file)
		}
		if err != nil {
			return nil, fmt.Errorf("prompt %s: %w", name, err)
		}
		if err := lib.add(name, b); err != nil {
			return nil, fmt.Errorf("prompt %s: %s: %w", name, file, err)
		}
	}
	return lib, nil
}

func (lib library) add(name string, wav []byte) error {
	samples, err := readWAV(wav)
	if err != nil {
		return err
	}
	lib[name] = newClip(name, samples)
	return nil
}

// CheckPrompt tells what is wrong with a WAV file that is to be a prompt.
func CheckPrompt(file string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return library{}.add("", b)
}
