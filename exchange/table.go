package exchange

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"telefonist/directory"
)

// Limits of what is read.
const (
	MaxBytes   = 32 << 20
	maxRows    = 200_000
	maxColumns = 200
	maxCells   = 5_000_000 // of the whole file: each costs memory, also where it is empty
)

// ErrTooLarge: the file has more rows, columns, cells or bytes than are read.
var ErrTooLarge = fmt.Errorf("the file is too large: at most %d rows, %d columns, %d cells and %d MiB are read", maxRows, maxColumns, maxCells, MaxBytes>>20)

// ErrEmpty: the file has no heading.
var ErrEmpty = errors.New("the file is empty: its first row must have headings")

// Read reads a table: XLSX by its first bytes, else CSV. The first row that is not empty is the heading.
func Read(data []byte) (header []string, rows []directory.Row, err error) {
	if len(data) > MaxBytes {
		return nil, nil, ErrTooLarge
	}
	var all []directory.Row
	if bytes.HasPrefix(data, []byte("PK\x03\x04")) {
		all, err = readXLSX(data)
	} else {
		all, err = readCSV(data)
	}
	if err != nil {
		return nil, nil, err
	}
	for len(all) > 0 && strings.TrimSpace(strings.Join(all[0].Cells, "")) == "" {
		all = all[1:]
	}
	if len(all) == 0 {
		return nil, nil, ErrEmpty
	}
	return all[0].Cells, all[1:], nil
}
