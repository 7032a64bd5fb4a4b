package exchange

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"telefonist/directory"
)

// readCSV reads CSV separated by semicolons, commas or tabs, in UTF-8, UTF-16 with a mark, or Windows-1252, which Excel in
// Sweden writes. A first line such as "sep=;", by which Excel is told the separator, is none of the table.
func readCSV(data []byte) ([]directory.Row, error) {
	if bytes.IndexByte(data, 0) >= 0 && !hasUTF16Mark(data) {
		return nil, errors.New("the file is neither CSV nor XLSX: save it as one of these")
	}
	text := decodeText(data)
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n") // as Excel on a Mac ends lines
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.LazyQuotes = separator(text), -1, true
	hint := hinted(text)
	if hint != 0 {
		r.Comma = hint
	}
	var rows []directory.Row
	for all := 0; ; {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read CSV: %w", err)
		}
		line, _ := r.FieldPos(0)
		if line == 1 && hint != 0 {
			continue
		}
		if all += len(cells); len(rows) > maxRows || len(cells) > maxColumns || all > maxCells {
			return nil, ErrTooLarge
		}
		for i, c := range cells {
			cells[i] = unguard(c)
		}
		rows = append(rows, directory.Row{Line: line, Cells: cells})
	}
}

func hasUTF16Mark(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff})
}

// decodeText gives the text of a file in one of the encodings that spreadsheets write.
func decodeText(data []byte) string {
	if hasUTF16Mark(data) {
		var order binary.ByteOrder = binary.LittleEndian
		if data[0] == 0xfe {
			order = binary.BigEndian
		}
		units := make([]uint16, 0, len(data)/2)
		for b := data[2:]; len(b) >= 2; b = b[2:] {
			units = append(units, order.Uint16(b))
		}
		return string(utf16.Decode(units))
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if utf8.Valid(data) {
		return string(data)
	}
	var b strings.Builder
	for _, c := range data {
		if c >= 0x80 && c < 0xa0 {
			b.WriteRune(windows1252[c-0x80])
		} else {
			b.WriteRune(rune(c))
		}
	}
	return b.String()
}

// windows1252 are the characters at 0x80 to 0x9f; the rest of the encoding is that of Unicode.
var windows1252 = [32]rune{'€', 0xfffd, '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', 0xfffd, 'Ž', 0xfffd,
	0xfffd, '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', 0xfffd, 'ž', 'Ÿ'}

// hinted is the separator that the first line names, zero where it names none.
func hinted(text string) rune {
	line, _, _ := strings.Cut(text, "\n")
	switch strings.ToLower(strings.TrimRight(line, "\r")) {
	case "sep=;":
		return ';'
	case "sep=,":
		return ','
	case "sep=\t":
		return '\t'
	}
	return 0
}

// separator is the character that parts the heading's cells: the one that stands there most often outside quotes.
func separator(text string) rune {
	counts, quoted := map[rune]int{}, false
	for _, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '\n' && !quoted && len(counts) > 0:
			return most(counts)
		case !quoted && (r == ';' || r == ',' || r == '\t'):
			counts[r]++
		}
	}
	return most(counts)
}

func most(counts map[rune]int) rune {
	best := ';'
	for _, r := range []rune{',', '\t'} {
		if counts[r] > counts[best] {
			best = r
		}
	}
	return best
}

// WriteCSV writes a table as Excel in Sweden opens it: UTF-8 with a mark, semicolons.
func WriteCSV(w io.Writer, header []string, rows [][]string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	c := csv.NewWriter(w)
	c.Comma = ';'
	if err := c.Write(header); err != nil {
		return err
	}
	for _, row := range rows {
		safe := make([]string, len(row))
		for i, cell := range row {
			safe[i] = guard(cell)
		}
		if err := c.Write(safe); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

// starters are what a spreadsheet takes for the beginning of a formula, and the apostrophe that guard puts before them.
const starters = "=+-@\t\r'"

// guard keeps a spreadsheet from running a cell as a formula: an apostrophe is put before it. Telephone numbers, alone or
// in a list, are left as they are.
func guard(cell string) string {
	if cell == "" || !strings.ContainsRune(starters, rune(cell[0])) || cell[0] == '+' && strings.Trim(cell, "+0123456789, ") == "" {
		return cell
	}
	return "'" + cell
}

// unguard takes that apostrophe away.
func unguard(cell string) string {
	if len(cell) > 1 && cell[0] == '\'' && strings.ContainsRune(starters, rune(cell[1])) {
		return cell[1:]
	}
	return cell
}
