package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed *.html *.css *.js *.svg
var files embed.FS

// Path is where the page is.
const Path = "/console/"

// types are those of the files, whatever the machine's own table says.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// headers let the page load and reach nothing but its own server, and nobody frame it.
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

// Register puts the page on a mux, and sends there who asks for the server's root.
func Register(mux *http.ServeMux) {
	all := load()
	mux.HandleFunc("GET "+Path+"{name...}", func(w http.ResponseWriter, r *http.Request) {
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
	there := http.RedirectHandler(Path, http.StatusFound)
	mux.Handle("GET /console", there)
	mux.Handle("GET /{$}", there)
}

// load reads what is embedded. It cannot fail: the files are part of the program.
func load() map[string]file {
	all := map[string]file{}
	names, _ := fs.Glob(files, "*")
	for _, name := range names {
		content, _ := files.ReadFile(name)
		sum := sha256.Sum256(content)
		all[name] = file{content, types[path.Ext(name)], `"` + hex.EncodeToString(sum[:8]) + `"`}
	}
	return all
}
