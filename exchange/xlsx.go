package exchange

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/xuri/excelize/v2"

	"telefonist/directory"
)

// A small file can unpack to anything. maxUnzipped bounds that, in bytes. Sheets are read as a stream, all else as a whole, some 200
// bytes of memory for each text however short it is: hence maxBeside, the bytes of all that is not a sheet, and maxTags, its tags,
// of which a text has four.
const (
	maxUnzipped = 256 << 20
	maxBeside   = 64 << 20
	maxTags     = 8_000_000
)

// oneWorkbook is held while a workbook is read, so that several at a time cost no more memory than one.
var oneWorkbook sync.Mutex

// readXLSX reads the first sheet. Cells are what they hold, not what they look like, so that telephone numbers that are kept
// as numbers have all their digits.
func readXLSX(data []byte) (rows []directory.Row, err error) {
	defer func() {
		if p := recover(); p != nil { // a broken file must not end more than its import
			rows, err = nil, fmt.Errorf("read XLSX: the file is broken: %v", p)
		}
	}()
	oneWorkbook.Lock()
	defer oneWorkbook.Unlock()
	if err := unpacks(data); err != nil {
		return nil, err
	}
	f, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{RawCellValue: true, UnzipSizeLimit: maxUnzipped, UnzipXMLSizeLimit: maxUnzipped})
	if err != nil {
		return nil, fmt.Errorf("read XLSX: %w", err)
	}
	defer f.Close()
	sheets := f.GetSheetList()
	if len(sheets) == 0 {
		return nil, ErrEmpty
	}
	r, err := f.Rows(sheets[0])
	if err != nil {
		return nil, fmt.Errorf("read XLSX: %w", err)
	}
	defer r.Close()
	all := 0
	for line := 1; r.Next(); line++ {
		cells, err := r.Columns()
		if err != nil {
			return nil, fmt.Errorf("read XLSX, row %d: %w", line, err)
		}
		if all += len(cells); line > maxRows+1 || len(cells) > maxColumns || all > maxCells {
			return nil, ErrTooLarge
		}
		rows = append(rows, directory.Row{Line: line, Cells: cells})
	}
	if err := errors.Join(r.Error(), sheetsAreWhole(data)); err != nil {
		return nil, fmt.Errorf("read XLSX: %w", err)
	}
	return rows, nil
}

// sheetsAreWhole reads the sheets once more, for the library takes a sheet that breaks off, or is damaged, for one that ends there: the
// people below would be left out, or removed.
func sheetsAreWhole(data []byte) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	for _, part := range z.File {
		if !isSheet(part) {
			continue
		}
		r, err := part.Open()
		if err != nil {
			return err
		}
		d := xml.NewDecoder(r)
		d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
		for err == nil {
			_, err = d.Token()
		}
		r.Close()
		if !errors.Is(err, io.EOF) {
			line, column := d.InputPos()
			return fmt.Errorf("%s is broken in its line %d, column %d: %w: save it again with a spreadsheet, or as CSV", part.Name, line, column, err)
		}
	}
	return nil
}

// isSheet tells whether a part of a workbook is a sheet, as the library knows them.
func isSheet(part *zip.File) bool {
	return strings.HasPrefix(strings.ToLower(strings.ReplaceAll(part.Name, "\\", "/")), "xl/worksheets/sheet")
}

// unpacks tells whether a workbook unpacks to what can be read.
func unpacks(data []byte) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fmt.Errorf("read XLSX: %w", err)
	}
	beside, all := &counter{}, uint64(0)
	for _, part := range z.File {
		if all += part.UncompressedSize64; all > maxUnzipped || part.UncompressedSize64 > maxUnzipped {
			return ErrTooLarge
		}
		if isSheet(part) {
			continue
		}
		r, err := part.Open()
		if err != nil {
			return fmt.Errorf("read XLSX: %w", err)
		}
		_, err = io.Copy(beside, io.LimitReader(r, maxBeside-beside.bytes+1))
		r.Close()
		if err != nil {
			return fmt.Errorf("read XLSX: %w", err)
		}
		if beside.bytes > maxBeside || beside.tags > maxTags {
			return ErrTooLarge
		}
	}
	return nil
}

// counter counts what is written to it.
type counter struct {
	bytes int64
	tags  int
}

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	c.tags += bytes.Count(p, []byte("<"))
	return len(p), nil
}

// Sheet is one sheet of a workbook.
type Sheet struct {
	Name   string
	Header []string
	Rows   [][]string
}

// WriteXLSX writes a workbook. Every cell is text, so that none is run as a formula and no digit is lost.
func WriteXLSX(w io.Writer, sheets ...Sheet) error {
	f := excelize.NewFile()
	defer f.Close()
	for i, s := range sheets {
		if i == 0 {
			if err := f.SetSheetName("Sheet1", s.Name); err != nil {
				return err
			}
		} else if _, err := f.NewSheet(s.Name); err != nil {
			return err
		}
		if err := writeSheet(f, s); err != nil {
			return fmt.Errorf("write sheet %s: %w", s.Name, err)
		}
	}
	return f.Write(w)
}

func writeSheet(f *excelize.File, s Sheet) error {
	sw, err := f.NewStreamWriter(s.Name)
	if err != nil {
		return err
	}
	for i, row := range append([][]string{s.Header}, s.Rows...) {
		cells := make([]any, len(row))
		for j, c := range row {
			cells[j] = c
		}
		if err := sw.SetRow(fmt.Sprintf("A%d", i+1), cells); err != nil {
			return err
		}
	}
	return sw.Flush()
}
