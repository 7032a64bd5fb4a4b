#!/bin/sh
# Makes the speech that the softphones of internal/peers say to each other: 8 kHz, mono, 16 bits, in the telephone band.
# Needs sox and espeak-ng (Debian: apt install sox espeak-ng). The words are our own; espeak-ng's output is free of its
# licence. Run it here and commit the result.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# say NAME VOICE SPEED PITCH TEXT
say() {
    espeak-ng -v "$2" -s "$3" -p "$4" -a 90 -w "$tmp/said.wav" "$5"
    sox "$tmp/said.wav" -r 8000 -c 1 -b 16 -D "$1.wav" highpass 200 lowpass 3400 norm -6 trim 0 8 pad 0 0.2
}

say caller sv 150 35 'Hej, jag heter Kalle Kund och söker Lisa på försäljningen. Det gäller order nummer sjuttiofyra nollsex noll fem, som skulle ha kommit i tisdags. Kan ni be henne ringa mig innan klockan fyra i eftermiddag?'
say agent sv+f2 165 60 'Acme försäljning, det är Anna, välkommen. Ett ögonblick så ska jag se efter. Lisa sitter i möte till klockan tre, men jag kan koppla dig vidare till växeln i Göteborg om du hellre vill prata med någon genast.'
