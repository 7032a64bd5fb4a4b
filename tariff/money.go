package tariff

import (
	"fmt"
	"strconv"
)

// Ore is a price in öre, a hundredth of a krona. It is read from whole numbers
// only: 15.50 is refused, where a YAML library would cut it to 15.
type Ore int64

// UnmarshalText reads a whole number of öre.
func (o *Ore) UnmarshalText(text []byte) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return fmt.Errorf("%q is not an amount in öre: write a whole number, such as 1550 for 15,50 kr", text)
	}
	*o = Ore(n)
	return nil
}

// UnmarshalJSON reads a whole number of öre.
func (o *Ore) UnmarshalJSON(text []byte) error { return o.UnmarshalText(text) }

// Kronor writes an amount in öre as people in Sweden write money: 1500 is
// "15,00 kr", 123456789 is "1 234 567,89 kr". The spaces are plain ones.
func Kronor(ore int64) string {
	sign, abs := "", uint64(ore)
	if ore < 0 {
		sign, abs = "-", -abs // also right for the smallest int64
	}
	whole := strconv.FormatUint(abs/100, 10)
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + " " + whole[i:]
	}
	return fmt.Sprintf("%s%s,%02d kr", sign, whole, abs%100)
}
