// Package portal is the tenant's own page in the browser (Mina sidor): who answers its calls now, and the switch by which its own receptionists
// say that they are away. Like the console it is plain modules, styles and one page, embedded as they are, without a build step.
//
// The page does nothing that a program could not do by the API, and keeps no state of its own beyond what is being chosen. What it shares with
// other pages is in package assets. The package holds no policy.
package portal
