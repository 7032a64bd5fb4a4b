// Package tariff owns what an answered call costs: the plan (thresholds, choices
// and prices), the classification into one of six tariffs, and the row that says
// what was charged and from which facts.
//
//	                                   day    evenings, weekends, holidays
//	answered                            1      3
//	mediated (förmedling)               2      4
//	over two minutes                    5      6
//
// It promises pure arithmetic: the same facts under the same plan give the same
// row for ever. Money is integer öre, handling is rounded up to whole milliseconds
// exactly once, and no float is used anywhere.
//
// It never reads the clock, never stores, changes or deletes a row, never logs,
// and knows nothing of who called whom: personal data stands beside a row, not in
// it.
package tariff
