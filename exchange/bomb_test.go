package exchange

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// workbook is a small one with a part of it replaced by a text and what is repeated behind it.
func workbook(t *testing.T, part, text, repeated string, times int) []byte {
	t.Helper()
	var small, out bytes.Buffer
	f := excelize.NewFile()
	if err := errors.Join(f.SetCellValue("Sheet1", "A1", "Efternamn"), f.SetCellValue("Sheet1", "A2", "Ek"), f.Write(&small), f.Close()); err != nil {
		t.Fatal(err)
	}
	from, err := zip.NewReader(bytes.NewReader(small.Bytes()), int64(small.Len()))
	if err != nil {
		t.Fatal(err)
	}
	to := zip.NewWriter(&out)
	to.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for _, p := range from.File {
		w, err := to.Create(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != part {
			r, err := p.Open()
			if err == nil {
				_, err = io.Copy(w, r)
			}
			if err != nil {
				t.Fatal(err)
			}
			continue
		}
		_, _ = io.WriteString(w, text)
		block := []byte(strings.Repeat(repeated, 1000))
		for range times / 1000 {
			if _, err := w.Write(block); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Each of these files is smaller than a photo.
func TestASmallFileThatUnpacksToALargeOneIsRefusedBeforeItTakesMemory(t *testing.T) {
	const sst = `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>Efternamn</t></si>`
	const sheet = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`
	for name, data := range map[string][]byte{
		"many texts":  workbook(t, "xl/sharedStrings.xml", sst, "<si><t/></si>", maxTags/2),
		"long texts":  workbook(t, "xl/sharedStrings.xml", sst, strings.Repeat("x", 1000), maxBeside/1000+1000),
		"many styles": workbook(t, "xl/styles.xml", "", "<xf/>", maxTags+1000),
		"many rows":   workbook(t, "xl/worksheets/sheet1.xml", sheet, `<row><c t="inlineStr"><is><t>Ek</t></is></c></row>`, maxRows+2000),
		"large sheet": workbook(t, "xl/worksheets/sheet1.xml", sheet, strings.Repeat(" ", 1000), maxUnzipped/1000+1000),
	} {
		if len(data) > 4<<20 {
			t.Errorf("%s: the file has %d bytes", name, len(data))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := Read(data)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, ErrTooLarge) || took > 2*maxUnzipped {
			t.Errorf("%s: %v, %d MB were taken", name, err, took>>20)
		}
	}
	// What the heading of a part says of its size is not believed.
	lying := workbook(t, "xl/sharedStrings.xml", sst, "<si><t/></si>", maxTags/2)
	for at := 0; ; at += 4 {
		i := bytes.Index(lying[at:], []byte("PK\x01\x02"))
		if i < 0 {
			break
		}
		at += i
		binary.LittleEndian.PutUint32(lying[at+24:], 100)
	}
	if _, _, err := Read(lying); err == nil {
		t.Error("a part that lies about its size is read")
	}
}

func TestAWorkbookThatBreaksOffIsRefusedAndNotReadHalfway(t *testing.T) {
	const sheet = `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row><c t="inlineStr"><is><t>Efternamn</t></is></c></row>`
	const row = `<row><c t="inlineStr"><is><t>Ek</t></is></c></row>`
	const end = `</sheetData></worksheet>`
	whole := workbook(t, "xl/worksheets/sheet1.xml", sheet+row+row+end, "", 0)
	if _, rows, err := Read(whole); err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	for name, text := range map[string]string{"behind a row": sheet + row, "in a row": sheet + row + row[:30], "a character that XML has not": sheet + row + strings.Replace(row, "Ek", "E\x0bk", 1) + end,
		"an ampersand": sheet + row + strings.Replace(row, "Ek", "Ek & Alm", 1) + row + end} {
		if _, rows, err := Read(workbook(t, "xl/worksheets/sheet1.xml", text, "", 0)); err == nil || !strings.Contains(err.Error(), "sheet1.xml is broken") {
			t.Errorf("%s: %v, %v", name, rows, err)
		}
	}
	if _, rows, err := Read(workbook(t, "xl/sharedStrings.xml", `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>Efternamn</t></si><si><t>E`, "", 0)); err == nil {
		t.Errorf("texts that break off: %v", rows)
	}
	damaged := bytes.Clone(whole)
	damaged[bytes.Index(whole, []byte("xl/worksheets/sheet1.xml"))+len("xl/worksheets/sheet1.xml")+40] ^= 1
	if _, rows, err := Read(damaged); err == nil {
		t.Errorf("a damaged file: %v", rows)
	}
}
