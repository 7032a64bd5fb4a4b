package tariff

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"telefonist/calendar"
)

// Problem is one thing wrong with a plan: the field as configured, what is wrong,
// and what to write instead. It is an error.
type Problem = calendar.Problem

// Validate returns everything that is wrong with p in the order of its fields,
// nothing where it can rate calls.
func (p Plan) Validate() []Problem {
	var problems []Problem
	add := func(field, wrong, write string) {
		problems = append(problems, Problem{Field: field, Wrong: wrong, Write: write})
	}
	if !validID(p.ID) {
		add("id", fmt.Sprintf("%q is not a name of a plan", p.ID),
			"write 1 to 64 of a-z, 0-9, '.', '_' and '-', such as standard-2027")
	}
	if p.Version < 1 {
		add("version", fmt.Sprintf("%d is not a version", p.Version), "write a whole number from 1")
	}
	if strings.TrimSpace(p.Name) == "" {
		add("name", "is empty", "write what people should read, such as Standard")
	}
	for _, problem := range p.Periods.Validate() {
		add("periods."+problem.Field, problem.Wrong, problem.Write)
	}
	for i, d := range p.ExtraHolidays {
		if !d.Valid() {
			add(fmt.Sprintf("extra_holidays[%d]", i), d.String()+" does not exist",
				"write year-month-day, such as 2027-05-07")
		}
	}
	p.validateThresholds(add)
	p.validateChoices(add)
	p.validatePrices(add)
	return problems
}

func (p Plan) validateThresholds(add func(field, wrong, write string)) {
	const write = "write whole milliseconds of at most 24h with their unit, such as "
	if d := time.Duration(p.Included); d < 0 || d > MaxThreshold || d%time.Millisecond != 0 {
		add("included", p.Included.String()+" cannot be included", write+"45s")
	}
	switch d := time.Duration(p.LongAfter); {
	case d <= 0 || d > MaxThreshold || d%time.Millisecond != 0:
		add("long_after", p.LongAfter.String()+" cannot be the limit of long calls", write+"2m")
	case p.LongAfter < p.Included:
		add("long_after", fmt.Sprintf("%s is less than the %s included", p.LongAfter, p.Included),
			fmt.Sprintf("write at least %s, or a shorter included", p.Included))
	}
}

func (p Plan) validateChoices(add func(field, wrong, write string)) {
	if p.Mediation != Replace && p.Mediation != Add {
		add("mediation", fmt.Sprintf("%q is no choice", p.Mediation), "write replace or add")
	}
	if p.MediatedBy != ByAny && p.MediatedBy != ByAnnounced {
		add("mediated_by", fmt.Sprintf("%q is no choice", p.MediatedBy), "write any or announced")
	}
	if p.LongCalls != AllCalls && p.LongCalls != CustomerServiceOnly {
		add("long_calls", fmt.Sprintf("%q is no choice", p.LongCalls), "write all or customer_service")
	}
}

func (p Plan) validatePrices(add func(field, wrong, write string)) {
	for t := AnsweredDay; t <= LongEvening; t++ {
		field := fmt.Sprintf("prices_ore.%d", t)
		if ore, priced := p.Prices[t]; !priced {
			add(field, "is missing", "write the prices of all six tariffs in öre, such as 1500 for 15 kr")
		} else if ore < 0 || ore > MaxPriceOre {
			add(field, fmt.Sprintf("%d is not a price", ore),
				fmt.Sprintf("write whole öre from 0 to %d, such as 1500 for 15 kr", MaxPriceOre))
		}
	}
	for _, t := range slices.Sorted(maps.Keys(p.Prices)) {
		if t < AnsweredDay || t > LongEvening {
			add(fmt.Sprintf("prices_ore.%d", t), "is not a tariff", "write the prices of tariffs 1 to 6 only")
		}
	}
}

func validID(id string) bool {
	if len(id) < 1 || len(id) > 64 {
		return false
	}
	for _, r := range id {
		if !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("._-", r)) {
			return false
		}
	}
	return true
}
