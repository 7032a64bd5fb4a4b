package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"telefonist/directory"
)

// minPassword is the least length in characters: a digest that was overheard can be searched offline (RFC 7616 section 5.8).
const minPassword = 8

// common are passwords that every attacker tries first; extensions and ids are checked besides.
var common = []string{"password", "lösenord", "losenord", "telefonist", "changeme", "qwertyui", "12345678", "letmein"}

// weak says why a password would be guessed, empty where it would not be so easily. It never repeats the password.
func weak(password string, names ...string) string {
	lower := strings.ToLower(password)
	switch {
	case password == "":
		return "is empty"
	case len([]rune(password)) < minPassword:
		return fmt.Sprintf("is shorter than %d characters", minPassword)
	case strings.Trim(lower, lower[:1]) == "":
		return "is one character again and again"
	case strings.Contains("01234567890123456789", lower), strings.Contains("98765432109876543210", lower):
		return "is a row of digits"
	}
	rest := lower
	for _, name := range slices.Concat(names, common) {
		if name != "" {
			rest = strings.ReplaceAll(rest, strings.ToLower(name), "")
		}
	}
	if len([]rune(rest)) < 4 {
		return "is little more than a name or word that is tried first"
	}
	return ""
}

const betterPassword = "write at least 12 random characters (openssl rand -base64 18), or use password_file"

// readPasswords reads the trunks' password files.
func (c *Config) readPasswords() {
	folder := filepath.Dir(c.src.file)
	c.readMessageSecrets(folder)
	for i := range c.Trunks {
		t := &c.Trunks[i]
		if t.PasswordFile != "" && t.Password == "" {
			t.PasswordFile = beside(folder, t.PasswordFile)
			t.Password = readSecret(c.src, fmt.Sprintf("trunks[%d].password_file", i), t.PasswordFile)
		}
	}
}

// readPasswords reads the agents' password files, then checks all passwords.
func (p *Provision) readPasswords() {
	folder := filepath.Dir(p.src.file)
	for i := range p.Agents {
		a := &p.Agents[i]
		if a.PasswordFile == "" || a.Password != "" {
			continue
		}
		at := fmt.Sprintf("agents[%d].password_file", i)
		a.PasswordFile = beside(folder, a.PasswordFile)
		if a.Password = readSecret(p.src, at, a.PasswordFile); a.Password == "" {
			if len(p.src.errs) == 0 || p.src.errs[len(p.src.errs)-1].Path != at {
				p.src.fail(at, "the file is empty", "write the password into it")
			}
		}
	}
	p.checkPasswords()
}

func (p *Provision) checkPasswords() {
	for i, a := range p.Agents {
		at := fmt.Sprintf("agents[%d]", i)
		_, given := p.src.at[at+".password"]
		if a.TrunkExtension != nil {
			if given || a.PasswordFile != "" {
				p.src.fail(at+".trunk_extension", "a phone behind the trunk has no password here", "take password and password_file out")
			}
			continue
		}
		switch {
		case given && a.PasswordFile != "":
			p.src.fail(at+".password", "both password and password_file are given", "take one out")
			continue
		case !given && a.PasswordFile == "":
			p.src.fail(at, "password is missing", "write password: or password_file: for her phone")
			continue
		case a.PasswordFile != "" && a.Password == "":
			continue // reported where it was read
		}
		key := at + ".password"
		if a.PasswordFile != "" {
			key = at + ".password_file"
		}
		p.src.inline = p.src.inline || given
		extension := ""
		if a.Extension != nil {
			extension = string(*a.Extension)
		}
		if why := weak(string(a.Password), string(a.ID), extension); why != "" {
			p.src.fail(key, "the password "+why, betterPassword)
		}
	}
}

// checkTrunkPassword checks how a trunk that asks for a digest is answered.
func checkTrunkPassword(s *source, at string, t Trunk) {
	_, given := s.at[at+".password"]
	switch {
	case given && t.PasswordFile != "":
		s.fail(at+".password", "both password and password_file are given", "take one out")
	case given && t.Password == directory.Secret(""):
		s.fail(at+".password", "the password is empty", "write the password, or take the line out")
	case t.Username != "" && !given && t.PasswordFile == "":
		s.fail(at+".username", "a username without a password", "write password_file: as well")
	case t.Username == "" && (given || t.PasswordFile != ""):
		s.fail(at, "a password without a username", "write username: as well")
	}
	s.inline = s.inline || given
}
