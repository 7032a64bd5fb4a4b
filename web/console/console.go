package console

import (
	"embed"
	"net/http"

	"telefonist/web/assets"
)

//go:embed *.html *.css *.js
var files embed.FS

// Path is where the page is.
const Path = "/console/"

// Register puts the page on a mux, and sends there who asks for the server's root.
func Register(mux *http.ServeMux) {
	assets.Serve(mux, Path, files)
	mux.Handle("GET /{$}", http.RedirectHandler(Path, http.StatusFound))
}
