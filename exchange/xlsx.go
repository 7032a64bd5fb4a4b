package exchange

import (
	"bytes"
	"fmt"
	"io"

	"github.com/xuri/excelize/v2"

	"telefonist/directory"
)

// maxUnzipped bounds what a file may unpack to, in bytes: a small file can unpack to anything.
const maxUnzipped = 256 << 20

// readXLSX reads the first sheet. Cells are what they hold, not what they look like, so that telephone numbers that are kept
// as numbers have all their digits.
func readXLSX(data []byte) (rows []directory.Row, err error) {
	defer func() {
		if p := recover(); p != nil { // a broken file must not end more than its import
			rows, err = nil, fmt.Errorf("read XLSX: the file is broken: %v", p)
		}
	}()
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
	for line := 1; r.Next(); line++ {
		cells, err := r.Columns()
		if err != nil {
			return nil, fmt.Errorf("read XLSX, row %d: %w", line, err)
		}
		if line > maxRows+1 || len(cells) > maxColumns {
			return nil, ErrTooLarge
		}
		rows = append(rows, directory.Row{Line: line, Cells: cells})
	}
	return rows, r.Error()
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
