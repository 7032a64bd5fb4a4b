package portal

import (
	"embed"
	"net/http"

	"telefonist/web/assets"
)

//go:embed *.html *.css *.js
var files embed.FS

// Path is where the page is.
const Path = "/portal/"

// Register puts the page on a mux.
func Register(mux *http.ServeMux) { assets.Serve(mux, Path, files) }
