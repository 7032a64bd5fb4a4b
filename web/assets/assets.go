package assets

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed *.css *.js *.svg
var files embed.FS

// Path is where what all pages share is found.
const Path = "/assets/"

// types are those of the files, whatever the machine's own table says.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// headers let a page load and reach nothing but its own server, and nobody frame it.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
		"frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
	"X-Content-Type-Options":     "nosniff",
	"Referrer-Policy":            "no-referrer",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Cache-Control":              "no-cache",
}

// file is one file with the tag that its content has.
type file struct {
	content []byte
	kind    string
	tag     string
}

// Register puts what all pages share on a mux.
func Register(mux *http.ServeMux) { Serve(mux, Path, files) }

// Serve puts the files of a folder on a mux, below a path that ends in a slash. At the path itself is index.html, where there is one.
func Serve(mux *http.ServeMux, at string, folder fs.FS) {
	all := load(folder)
	mux.HandleFunc("GET "+at+"{name...}", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("name")
		if name == "" {
			name = "index.html"
		}
		for k, v := range headers {
			w.Header().Set(k, v)
		}
		f, found := all[name]
		if !found {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", f.kind)
		w.Header().Set("ETag", f.tag)
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(f.content))
	})
	if _, page := all["index.html"]; page {
		mux.Handle("GET "+strings.TrimSuffix(at, "/"), http.RedirectHandler(at, http.StatusFound))
	}
}

// load reads what is embedded. It cannot fail: the files are part of the program.
func load(folder fs.FS) map[string]file {
	all := map[string]file{}
	names, _ := fs.Glob(folder, "*")
	for _, name := range names {
		content, _ := fs.ReadFile(folder, name)
		sum := sha256.Sum256(content)
		all[name] = file{content, types[path.Ext(name)], `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return all
}
