package exchange

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"telefonist/directory"
)

// Source reads what one kind of system says about people, and turns its bytes into reports. It does nothing else: whoever
// receives or fetches the bytes hands them over, and what becomes of reports is the same for all. Another kind of system (a
// calendar, a directory server, a PBX's own list of users) is one more file here and one more line in sources.
type Source interface {
	// Read turns what was received into reports, of which there are at most MaxReports. The content type is that of HTTP or MIME.
	// The error is a directory.Problems where it names a field.
	Read(contentType string, data []byte) ([]directory.Report, error)
}

// MaxReports is how many reports one reading gives at most.
const MaxReports = 1000

// sources are the ones that there are, by the name that their webhook has.
var sources = map[string]Source{
	"referral": webhook{line: false},
	"line":     webhook{line: true},
}

// ErrNoSource: there is no source of that name.
var ErrNoSource = errors.New("no such source")

// SourceNames lists the names of sources, in order.
func SourceNames() []string { return slices.Sorted(maps.Keys(sources)) }

// ReadReports has a source read. Errors are ErrNoSource and those of the source.
func ReadReports(source, contentType string, data []byte) ([]directory.Report, error) {
	s, known := sources[source]
	if !known {
		return nil, fmt.Errorf("%q: %w: there are %s", source, ErrNoSource, strings.Join(SourceNames(), ", "))
	}
	all, err := s.Read(contentType, data)
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, directory.Problems{{Field: "external_id", Wrong: "nobody is named", Write: "write external_id, extension, number or email"}}
	case len(all) > MaxReports:
		return nil, fmt.Errorf("%d reports are too many: send at most %d at a time", len(all), MaxReports)
	}
	return all, nil
}
