// Package search finds the people, common numbers, offices, instructions and questions of a tenant by what a receptionist
// types into one box.
//
// It owns an index per tenant, held in memory: made when the tenant is first asked for, changed as its directory changes, and
// closed when others need the room. Nothing is stored; the directory is the source, behind the interface Source.
//
// It promises that
//   - every word of a query was found in each document given, by one of these, best first: as written (capitals apart); without
//     the marks of å, ä, ö, é; at the beginning of a word; as another spelling of the same Swedish sound; with one letter wrong, missing,
//     added or swapped from four letters on, two from eight; inside a longer word from four letters on;
//   - no word is left out for being common and none is cut to a stem: Hans and Jonas are people;
//   - a number is found in any format, by its last three or more digits, by its first, and by extension; a person by initials;
//   - what was chosen often and lately ranks before what matches as well, and no word is worth more for being rare;
//   - a change is found when Put has returned, and a search never waits for a change;
//   - one tenant's documents are in no other's index: there is nothing to filter.
//
// It never decides what may be shown: door codes and numbers that may not be found are not given to it, and whether a person is
// away is for the caller to add. It writes no log: queries and names are personal.
package search
