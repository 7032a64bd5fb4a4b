package media

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"strings"
	"sync"

	"telefonist/call"
	"telefonist/media/g722"
	"telefonist/media/negotiate"
)

//go:embed prompts/*.wav
var builtin embed.FS

// clip is a sound in every codec that we speak, encoded once for all listeners. All have one byte for 1/8 ms.
type clip struct {
	name             string
	alaw, ulaw, g722 []byte
}

// newClip encodes 8 kHz audio.
func newClip(name string, narrow []int16) *clip { return newWideClip(name, sound{narrow: narrow}) }

// newWideClip encodes a sound. Where it has no wide audio its lower band alone is encoded.
func newWideClip(name string, s sound) *clip {
	n := len(s.narrow)
	c := &clip{name: name, alaw: make([]byte, n), ulaw: make([]byte, n), g722: make([]byte, n)}
	for i, v := range s.narrow {
		c.alaw[i] = encode(v, negotiate.PCMA)
		c.ulaw[i] = encode(v, negotiate.PCMU)
	}
	var e g722.Encoder
	if len(s.wide) == 2*n {
		e.Encode(c.g722, s.wide)
	} else {
		e.EncodeNarrow(c.g722, s.narrow)
	}
	return c
}

func (c *clip) len() int { return len(c.alaw) }

func (c *clip) encoded(codec negotiate.Codec) []byte {
	switch codec {
	case negotiate.PCMU:
		return c.ulaw
	case negotiate.G722:
		return c.g722
	}
	return c.alaw
}

// library holds the sources by the names that call.Play uses.
type library map[string]*clip

// loadLibrary reads the built-in prompts and those that replace or join them. An error names the file and what is
// wrong with it.
func loadLibrary(files fs.FS, replace map[string]string) (library, error) {
	builtins, err := loadBuiltins()
	if err != nil {
		return nil, fmt.Errorf("built-in prompts: %w", err)
	}
	lib := maps.Clone(builtins)
	for name, file := range replace {
		sound, err := readSound(files, file)
		if err != nil {
			return nil, fmt.Errorf("prompt %s: %w", name, err)
		}
		lib[name] = newWideClip(name, sound)
	}
	return lib, nil
}

func (lib library) add(name string, wav []byte) error {
	s, err := readWAV(wav)
	if err != nil {
		return err
	}
	lib[name] = newWideClip(name, s)
	return nil
}

// loadBuiltins encodes the built-in prompts and tones, once for the process.
var loadBuiltins = sync.OnceValues(func() (library, error) {
	lib := library{
		// Swedish tones (ITU-T E.180 supplement 2): 425 Hz, 1 s on and 5 s off; 0.25 s on and off.
		call.SourceRingback: newClip(call.SourceRingback, beeps(425, 0.12, 1000, 5000)),
		call.SourceBusy:     newClip(call.SourceBusy, beeps(425, 0.12, 250, 250)),
	}
	for _, name := range BuiltinPrompts() {
		b, err := builtin.ReadFile(path.Join("prompts", name+".wav"))
		if err != nil {
			return nil, err
		}
		if err := lib.add(name, b); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return lib, nil
})

// maxPlaylist is the longest playlist, in minutes: an hour takes 90 MB.
const maxPlaylist = 60

// readSound reads a WAV file, or a folder as a playlist: its WAV files one after the other, in the order of their names.
// files is where to look, nil for the file system of the machine. An error names the file.
func readSound(files fs.FS, file string) (sound, error) {
	read, list := os.ReadFile, os.ReadDir
	if files != nil {
		read = func(name string) ([]byte, error) { return fs.ReadFile(files, name) }
		list = func(name string) ([]fs.DirEntry, error) { return fs.ReadDir(files, name) }
	}
	one := func(file string) (sound, error) {
		b, err := read(file)
		if err != nil {
			return sound{}, err
		}
		s, err := readWAV(b)
		if err != nil {
			return sound{}, fmt.Errorf("%s: %w", file, err)
		}
		return s, nil
	}
	entries, err := list(file)
	if err != nil {
		return one(file)
	}
	var all sound
	for _, e := range entries { // sorted by name
		if e.IsDir() || !strings.EqualFold(path.Ext(e.Name()), ".wav") {
			continue
		}
		s, err := one(path.Join(file, e.Name()))
		if err != nil {
			return sound{}, err
		}
		if all.add(s); len(all.narrow) > maxPlaylist*60*8000 {
			return sound{}, fmt.Errorf("%s: playlist is longer than %d minutes", file, maxPlaylist)
		}
	}
	if len(all.narrow) == 0 {
		return sound{}, fmt.Errorf("%s: folder has no WAV file", file)
	}
	return all, nil
}

// CheckPrompt tells what is wrong with a WAV file, or a folder of them, that is to be a prompt or music.
func CheckPrompt(file string) error {
	_, err := readSound(nil, file)
	return err
}

// BuiltinPrompts are the names of the prompts that come with the program, sorted.
func BuiltinPrompts() []string {
	entries, err := builtin.ReadDir("prompts")
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".wav"))
	}
	return names
}
