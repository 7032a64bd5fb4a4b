package config

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"telefonist/directory"
)

// Load reads a configuration file and all files that it names, and checks everything. The error is of type Errors and
// holds everything wrong in every file.
func Load(path string) (*Config, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, Errors{{File: path, Line: 1, Column: 1, Problem: reason(err), Fix: "write the path of a readable configuration file"}}
	}
	c := parseMain(path, data)
	c.checkFiles()
	seen := map[string]bool{}
	for i, file := range c.Provision {
		at := fmt.Sprintf("provision[%d]", i)
		if seen[file] {
			c.src.fail(at, "the file is listed twice", "take one out")
			continue
		}
		seen[file] = true
		data, err := readFile(file)
		if err != nil {
			c.src.fail(at, reason(err), "write the path of a readable file, relative to the folder of this one")
			continue
		}
		p := parseProvision(file, data)
		p.readPasswords()
		c.provisions = append(c.provisions, p)
	}
	c.readPasswords()
	c.checkProvisions()
	for _, s := range c.sources() {
		warnReadable(s)
	}
	return c, c.errors().err()
}

// Parse reads and checks a configuration file from memory. It opens no other file: provisioning and password files are
// not read. The error is of type Errors.
func Parse(name string, data []byte) (*Config, error) {
	c := parseMain(name, data)
	if err := c.errors().err(); err != nil {
		return nil, err
	}
	return c, nil
}

// LoadBytes builds a configuration from files in memory, for defaults that are embedded: the main file, then the
// provisioning files (what the main file lists under provision is not read). The error is of type Errors.
func LoadBytes(name string, main []byte, provisions ...[]byte) (*Config, error) {
	c := parseMain(name, main)
	for i, data := range provisions {
		p := parseProvision(fmt.Sprintf("%s (provision %d)", name, i+1), data)
		p.checkPasswords()
		c.provisions = append(c.provisions, p)
	}
	c.checkProvisions()
	return c, c.errors().err()
}

func parseMain(name string, data []byte) *Config {
	c := Default()
	c.src = newSource(name, data)
	decode(c.src, data, c)
	c.check()
	c.resolvePaths(filepath.Dir(name))
	return c
}

// readFile reads a file that is not larger than anyone would write.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if info.IsDir() {
		return nil, &os.PathError{Op: "read", Path: path, Err: fmt.Errorf("is a folder")}
	}
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// reason says in short why a file cannot be read; the path stands beside it already.
func reason(err error) string {
	switch {
	case os.IsNotExist(err):
		return "there is no such file"
	case os.IsPermission(err):
		return "the file may not be read by this user"
	}
	return "the file cannot be read: " + err.Error()
}

// beside gives a path that is relative to the folder of the file that names it.
func beside(folder, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

func (c *Config) resolvePaths(folder string) {
	for _, p := range []*string{&c.Store.Dir, &c.Store.KeyFile, &c.Web.TLS.Cert, &c.Web.TLS.Key} {
		*p = beside(folder, *p)
	}
	for i := range c.Provision {
		c.Provision[i] = beside(folder, c.Provision[i])
	}
	for _, files := range []map[string]string{c.Media.Prompts, c.Media.Music} {
		for name, file := range files {
			files[name] = beside(folder, file)
		}
	}
}

// checkFiles looks whether the files that others will open are there.
func (c *Config) checkFiles() {
	look := func(at, path string) {
		if path == "" {
			return
		}
		f, err := os.Open(path)
		if err != nil {
			c.src.fail(at, reason(err), "write the path of a readable file, relative to the folder of this one")
			return
		}
		f.Close()
	}
	look("web.tls.cert", c.Web.TLS.Cert)
	look("web.tls.key", c.Web.TLS.Key)
	for name, file := range c.Media.Prompts {
		look("media.prompts."+name, file)
	}
	for name, file := range c.Media.Music {
		look("media.music."+name, file)
	}
}

// readSecret reads a password file: one line, not readable by everybody.
func readSecret(s *source, at, path string) directory.Secret {
	info, err := os.Stat(path)
	if err != nil {
		s.fail(at, reason(err), "write the path of a readable file, relative to the folder of this one")
		return ""
	}
	if info.Mode().Perm()&0o007 != 0 {
		s.fail(at, "everybody on this machine may read or change the file", "run chmod 600 "+path)
		return ""
	}
	data, err := readFile(path)
	if err != nil {
		s.fail(at, reason(err), "let this user read it")
		return ""
	}
	secret := bytes.TrimRight(data, "\r\n")
	if bytes.ContainsAny(secret, "\r\n\x00") || len(secret) > maxText {
		s.fail(at, "the file holds more than one line", "write the password alone into it")
		return ""
	}
	return directory.Secret(secret)
}
