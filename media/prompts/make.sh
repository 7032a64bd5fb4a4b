#!/bin/sh
# Makes the built-in prompts: 8 kHz, mono, 16 bits. Needs sox and espeak-ng (Debian: apt install sox espeak-ng).
# The melody is our own; the speech is espeak-ng's, whose output is free of its licence. Run it here and commit the result.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# say NAME TEXT: a spoken prompt, in the telephone band, with a little room before and after it.
say() {
    espeak-ng -v sv -s 145 -p 45 -a 90 -w "$tmp/said.wav" "$2"
    sox "$tmp/said.wav" -r 8000 -c 1 -b 16 -D "$1.wav" highpass 200 lowpass 3400 norm -6 pad 0.3 0.4
}

say all-busy 'Alla telefonister är upptagna. Var god dröj, så svarar vi så snart vi kan.'
say queue-full 'Just nu är det många som ringer. Var god försök igen senare.'
say try-later 'Vi kan tyvärr inte ta ditt samtal just nu. Var god försök igen senare.'
say timeout 'Vi beklagar att du har fått vänta så länge. Var god försök igen senare.'
say closed 'Det är stängt för dagen. Välkommen åter när vi har öppnat.'
say goodbye 'Tack för ditt samtal. Hej då.'

# clip LANGUAGE NAME TEXT: a part of an announcement, LANGUAGE-NAME.wav, trimmed so that parts follow one another as speech.
clip() {
    espeak-ng -v "$1" -s 145 -p 45 -a 90 -w "$tmp/said.wav" "$3"
    sox "$tmp/said.wav" -r 8000 -c 1 -b 16 -D "$1-$2.wav" highpass 200 lowpass 3400 \
        silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse norm -6 pad 0.02 "${4:-0.06}"
}

# numbers LANGUAGE: 1 to 20 and the tens; the others are put together of these, up to 199 with LANGUAGE-100-and before them.
numbers() {
    for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 30 40 50 60 70 80 90; do
        clip "$1" "$n" "$n"
    done
}

numbers sv
clip sv position 'Du har plats nummer'
clip sv in-queue 'i kön.' 0.3
clip sv wait 'Väntetiden är ungefär'
clip sv minutes 'minuter.' 0.3
clip sv wait-one 'Väntetiden är ungefär en minut.' 0.3
clip sv wait-short 'Väntetiden är mindre än en minut.' 0.3
clip sv wait-long 'Väntetiden är mer än en timme.' 0.3
clip sv welcome 'Välkommen!' 0.3
clip sv no-recording 'Vi spelar inte in samtalet.' 0.3
clip sv 100 'etthundra'
clip sv 100-and 'etthundra'
clip sv position-far 'Det är många före dig i kön.' 0.3
clip sv closed 'Det är stängt just nu. Välkommen åter när vi har öppnat.' 0.4
clip sv callback-offer 'Vill du att vi ringer upp dig? Tryck ett.' 0.4
clip sv other-offer 'Tryck nio för att kopplas till ett annat nummer.' 0.4
clip sv callback-left 'Tack. Vi ringer upp dig så snart vi kan.' 0.4
clip sv time-over 'Tiden för samtalet är slut. Tack för att du ringde.' 0.4
clip sv logged-in 'Du är inloggad.' 0.3
clip sv logged-out 'Du är utloggad.' 0.3
clip sv paused 'Du har paus.' 0.3
clip sv resumed 'Pausen är slut.' 0.3
clip sv parked 'Samtalet är parkerat på plats'
clip sv handed-back 'Samtalet är återlämnat till kön.'
clip sv picking-up 'Samtalet hämtas.'
clip sv away-on 'Du är hänvisad.' 0.3
clip sv away-off 'Din hänvisning är borttagen.' 0.3
clip sv not-allowed 'Det är inte tillåtet.' 0.3

numbers en
clip en position 'You are number'
clip en in-queue 'in the queue.' 0.3
clip en wait 'The expected wait is about'
clip en minutes 'minutes.' 0.3
clip en wait-one 'The expected wait is about one minute.' 0.3
clip en wait-short 'The expected wait is less than a minute.' 0.3
clip en wait-long 'The expected wait is more than an hour.' 0.3
clip en welcome 'Welcome!' 0.3
clip en no-recording 'We do not record this call.' 0.3
clip en 100 'one hundred'
clip en 100-and 'one hundred and'
clip en position-far 'There are many callers before you in the queue.' 0.3
clip en closed 'We are closed now. Please call again when we have opened.' 0.4
clip en callback-offer 'Would you like us to call you back? Press one.' 0.4
clip en other-offer 'Press nine to be connected to another number.' 0.4
clip en callback-left 'Thank you. We will call you back as soon as we can.' 0.4
clip en time-over 'The time for this call is over. Thank you for calling.' 0.4
clip en logged-in 'You are logged in.' 0.3
clip en logged-out 'You are logged out.' 0.3
clip en paused 'You are paused.' 0.3
clip en resumed 'You are no longer paused.' 0.3
clip en parked 'The call is parked in place'
clip en handed-back 'The call is back in the queue.'
clip en picking-up 'Picking up the call.'
clip en away-on 'You are set as away.' 0.3
clip en away-off 'You are no longer set as away.' 0.3
clip en not-allowed 'That is not allowed.' 0.3
clip en all-busy 'All our receptionists are busy. Please hold, and we will answer as soon as we can.' 0.4
clip en queue-full 'Many people are calling right now. Please try again later.' 0.4
clip en try-later 'We are sorry that we cannot take your call right now. Please try again later.' 0.4
clip en timeout 'We are sorry that you have had to wait for so long. Please try again later.' 0.4
clip en goodbye 'Thank you for your call. Goodbye.' 0.4

# chord NAME NOTE NOTE NOTE NOTE: a bar of 3 s, a soft chord under four plucked notes that fall apart.
chord() {
    name=$1
    shift
    sox -n -r 8000 -c 1 -b 16 "$tmp/pad.wav" synth 3 sine "$1" sine "$2" sine "$3" remix - fade t 0.6 3 0.9 gain -14
    i=0
    for note in "$1" "$3" "$4" "$2"; do
        sox -n -r 8000 -c 1 -b 16 "$tmp/p$i.wav" synth 1.5 pluck "$note" fade t 0.01 1.5 1.1 gain -11 pad "$(echo "$i * 0.75" | bc)"
        i=$((i + 1))
    done
    sox -m -v 1 "$tmp/pad.wav" -v 1 "$tmp/p0.wav" -v 1 "$tmp/p1.wav" -v 1 "$tmp/p2.wav" -v 1 "$tmp/p3.wav" \
        "$tmp/$name.wav" trim 0 3
}

# Eight bars: C, Am, F, G, Em, Am, Dm, G.
chord 1 C4 E4 G4 C5
chord 2 A3 C4 E4 A4
chord 3 F3 A3 C4 F4
chord 4 G3 B3 D4 G4
chord 5 E3 G3 B3 E4
chord 6 A3 C4 E4 A4
chord 7 D4 F4 A4 D5
chord 8 G3 B3 D4 B4
sox "$tmp/1.wav" "$tmp/2.wav" "$tmp/3.wav" "$tmp/4.wav" "$tmp/5.wav" "$tmp/6.wav" "$tmp/7.wav" "$tmp/8.wav" \
    -r 8000 -c 1 -b 16 -D music.wav highpass 150 lowpass 3000 reverb 30 remix - norm -12
