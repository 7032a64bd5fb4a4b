package exchange

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"telefonist/directory"
)

var want = []directory.Row{{Line: 2, Cells: []string{"Åsa", "Öberg", "070-1234567"}}, {Line: 4, Cells: []string{"Bo", "von; \"Post\"", ""}}}

func TestCSVAsSpreadsheetsWriteIt(t *testing.T) {
	text := "Förnamn;Efternamn;Mobil\r\nÅsa;Öberg;070-1234567\r\n\r\nBo;\"von; \"\"Post\"\"\";\r\n"
	latin := make([]byte, 0, len(text))
	for _, r := range text {
		latin = append(latin, byte(r))
	}
	wide := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(strings.ReplaceAll(text, ";0", "\t0"))) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	for name, data := range map[string][]byte{"UTF-8": []byte(text), "with a mark": []byte("\ufeff" + text), "Windows-1252": latin} {
		header, rows, err := Read(data)
		if err != nil || !reflect.DeepEqual(header, []string{"Förnamn", "Efternamn", "Mobil"}) || !reflect.DeepEqual(rows, want) {
			t.Errorf("%s: %q %+v %v", name, header, rows, err)
		}
	}
	if header, _, err := Read(wide); err != nil || header[0] != "Förnamn" {
		t.Errorf("UTF-16: %q, %v", header, err)
	}
	for _, sep := range []string{",", "\t"} {
		header, rows, err := Read([]byte("a" + sep + "\"b;c;d\"\n1" + sep + "2\n"))
		if err != nil || len(header) != 2 || rows[0].Cells[1] != "2" {
			t.Errorf("separated by %q: %q %v %v", sep, header, rows, err)
		}
	}
	for name, file := range map[string]string{"of a Mac": "a,b\r1,2\r", "with a hint": "sep=,\r\na,b;c;d\r\n1,2\r\n"} {
		header, rows, err := Read([]byte(file))
		if err != nil || len(header) != 2 || len(rows) != 1 || rows[0].Cells[1] != "2" || rows[0].Line != strings.Count(file, "\r") {
			t.Errorf("%s: %q %+v %v", name, header, rows, err)
		}
	}
	if got := decodeText([]byte{0x80, ' ', 0xe5}); got != "€ å" {
		t.Errorf("got %q", got)
	}
}

func TestXLSXKeepsEveryDigit(t *testing.T) {
	f := excelize.NewFile()
	for cell, v := range map[string]any{"A1": "Namn", "B1": "Mobil", "C1": "Aktiv", "A3": "Åsa", "B3": 46701234567, "C3": true} {
		if err := f.SetCellValue("Sheet1", cell, v); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	header, rows, err := Read(b.Bytes())
	if err != nil || len(header) != 3 || len(rows) == 0 {
		t.Fatalf("%q %v %v", header, rows, err)
	}
	if last := rows[len(rows)-1]; last.Line != 3 || last.Cells[0] != "Åsa" || last.Cells[1] != "46701234567" {
		t.Errorf("got %+v", last)
	}
}

var awkward = [][]string{{"=1+1", "+46701234567", "'=x", "a;b\n\"c\""}, {"-", "@x", "''", " "}, {"+46701234567, +4684000001", "+CMD()", "å", "'plain"}}

func TestWhatIsWrittenIsReadAsTheSame(t *testing.T) {
	header := []string{"a", "b", "c", "d"}
	var c, x bytes.Buffer
	if err := WriteCSV(&c, header, awkward); err != nil {
		t.Fatal(err)
	}
	if err := WriteXLSX(&x, Sheet{"people", header, awkward}, Sheet{"offices", []string{"x"}, nil}); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"CSV": c.Bytes(), "XLSX": x.Bytes()} {
		got, rows, err := Read(data)
		if err != nil || !reflect.DeepEqual(got, header) || len(rows) != len(awkward) {
			t.Fatalf("%s: %q %v %v", name, got, rows, err)
		}
		for i, r := range rows {
			if !reflect.DeepEqual(r.Cells, awkward[i]) {
				t.Errorf("%s: got %q, want %q", name, r.Cells, awkward[i])
			}
		}
	}
	for _, cell := range []string{"=1+1", "+CMD()", "@x", "-"} {
		if strings.Contains(c.String(), "\n"+cell) || strings.Contains(c.String(), ";"+cell) {
			t.Errorf("a spreadsheet would run %q", cell)
		}
	}
}

func TestFilesThatAreNoTablesAreRefused(t *testing.T) {
	for name, data := range map[string][]byte{"empty": nil, "blank": []byte("\n\n;;\n"), "binary": {1, 0, 2}, "a broken zip": []byte("PK\x03\x04xx"),
		"too many columns": []byte(strings.Repeat(";", 300)), "too large": make([]byte, MaxBytes+1),
		"too many cells": []byte(strings.Repeat(strings.Repeat(";", maxColumns-1)+"\n", maxCells/maxColumns+1))} {
		if _, _, err := Read(data); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, _, err := Read(make([]byte, MaxBytes+1)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	var x bytes.Buffer
	if err := WriteXLSX(&x, Sheet{"people", []string{"a", "b"}, [][]string{{"1", "2"}}}); err != nil {
		f.Fatal(err)
	}
	f.Add(x.Bytes())
	f.Add([]byte("a;b\n1;2"))
	f.Add([]byte("\xff\xfea\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		header, rows, err := Read(data)
		if err != nil {
			return
		}
		if len(rows) > maxRows || len(header) > maxColumns {
			t.Fatal("beyond the limits")
		}
		cells := [][]string{}
		for _, r := range rows {
			cells = append(cells, r.Cells)
		}
		if err := WriteCSV(new(bytes.Buffer), header, cells); err != nil {
			t.Fatal(err)
		}
	})
}
