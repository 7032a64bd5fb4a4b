// Every word of the page, in Swedish and English side by side, so that none can lack in one of them.

/** @type {Object<string, [string, string]>} */
export const texts = {
  desk: ["Telefonist", "Telefonist"],
  page: ["Sidan", "The page"],
  other_language: ["English", "Svenska"],
  help: ["Hjälp", "Help"],
  close: ["Stäng", "Close"],
  cancel: ["Avbryt", "Cancel"],
  loading: ["Hämtar läget …", "Getting the state of things …"],
  not_known: ["Telefonisten finns inte längre i växeln. Säg till arbetsledaren.", "This receptionist is no longer known. Tell your supervisor."],
  seconds: ["{n} s", "{n} s"],
  minutes: ["{n} min", "{n} min"],

  // Signing in and out.
  token: ["Token", "Token"],
  sign_in: ["Logga in på sidan", "Sign in"],
  signing_in: ["Loggar in …", "Signing in …"],
  sign_out: ["Lämna sidan", "Sign out"],
  token_help: ["En token får du av den som sköter servern. Den skapas en gång med:", "Whoever runs the server gives you a token. It is made once by:"],
  token_command: ["telefonist tokens create --agent anna --name \"Annas konsol\" --scope calls:work", "telefonist tokens create --agent anna --name \"Anna's console\" --scope calls:work"],
  token_empty: ["Klistra in din token här.", "Paste your token here."],
  token_wrong: ["Token gäller inte: den är felskriven, återkallad eller för gammal. Kopiera hela, från tfn_, eller be om en ny.", "The token is not valid: mistyped, revoked or too old. Copy all of it, from tfn_, or ask for a new one."],
  token_other: ["Token är till för annat än telefonister. Be om en med calls:work eller calls:supervise.", "The token is for something else. Ask for one with calls:work or calls:supervise."],
  session_over: ["Din token gäller inte längre. Logga in på sidan med en ny. Samtal i telefonen går vidare.", "Your token is no longer valid. Sign in with a new one. Calls on the phone go on."],
  signed_out: ["Du har lämnat sidan.", "You have left the page."],
  still_logged_in: ["Du har lämnat sidan men är kvar i växeln: samtal kommer fortfarande till din telefon. Logga ut med *12 i telefonen, eller här.", "You have left the page but are still logged in to the switchboard: calls still reach your phone. Log out with *12 on the phone, or here."],

  // Her own state.
  extension: ["ankn. {extension}", "ext. {extension}"],
  supervisor: ["Arbetsledare", "Supervisor"],
  log_in: ["Logga in", "Log in"],
  log_out: ["Logga ut", "Log out"],
  pause: ["Paus", "Pause"],
  resume_work: ["Ta samtal igen", "Take calls again"],
  ready: ["Klar", "Ready"],
  choose_state: ["Paus eller logga ut", "Pause or log out"],
  s_offline: ["Utloggad", "Logged out"],
  s_no_phone: ["Telefonen borta", "Phone away"],
  s_available: ["Ledig", "Available"],
  s_reserved: ["Får ett samtal", "Gets a call"],
  s_ringing: ["Det ringer", "Ringing"],
  s_talking: ["I samtal", "In a call"],
  s_then: ["{now}, sedan {then}", "{now}, then {then}"],
  s_wrap_up: ["Efterarbete", "Wrapping up"],
  s_paused: ["Paus", "Paused"],
  p_lunch: ["lunch", "lunch"],
  p_meeting: ["möte", "meeting"],
  p_admin: ["administration", "admin"],
  p_other: ["annat", "other"],
  p_missed_calls: ["missade samtal", "missed calls"],
  phone_there: ["Telefonen är ansluten", "Phone connected"],
  phone_gone: ["Telefonen är inte ansluten", "Phone not connected"],
  no_phone_advice: ["Telefonen {extension} är inte ansluten. Starta den, se att den har nät och rätt lösenord. Inga samtal kommer förrän den är med.", "Phone {extension} is not connected. Start it, check its network and password. No calls come until it is there."],
  logged_out_advice: ["Inga samtal kommer förrän du loggar in.", "No calls come until you log in."],
  paused_advice: ["Inga samtal kommer under pausen.", "No calls come during the pause."],
  missed_advice: ["Flera samtal i rad har inte besvarats. Inga fler kommer förrän du är tillbaka.", "Several calls in a row were not answered. No more come until you are back."],
  line_empty: ["Ingen väntar. Nästa samtal visas här.", "Nobody waits. The next call shows here."],
  line_waits: ["{n} i kö.", "{n} waiting."],

  // Her call.
  her_call: ["Ditt samtal", "Your call"],
  call_from: ["Från {number}", "From {number}"],
  call_to: ["Till {number}", "To {number}"],
  call_back_to: ["Återuppringning till {number}", "Calling back {number}"],
  hidden_number: ["dolt nummer", "hidden number"],
  call_unseen: ["Ett samtal som hör till en kollega", "A call that belongs to a colleague"],
  asked_by: ["{name} vill tala med dig", "{name} wants to speak to you"],
  ph_asked: ["Du talar med {name}", "You speak to {name}"],
  phrase_failed: ["Svarsfrasen gick inte att hämta.", "The answer phrase could not be had."],
  handling: ["Handläggningstid", "Handling time"],
  mark_ahead: ["av {time}", "of {time}"],
  mark_passed: ["över {time}", "over {time}"],
  recall: ["Åter från {whom}: {reason}", "Back from {whom}: {reason}"],
  recall_plain: ["Åter: {reason}", "Back: {reason}"],
  recall_now: ["Just nu: {now}", "Now: {now}"],
  recall_here: ["Just nu: inget känt hinder", "Now: nothing known that hinders"],
  r_busy: ["upptaget", "busy"],
  r_no_answer: ["inget svar", "no answer"],
  r_returned: ["vidarekopplad tillbaka hit", "forwarded back to us"],
  r_failed: ["gick inte fram", "could not be reached"],
  r_taken_back: ["återtaget", "taken back"],
  r_parked: ["parkerad för länge", "parked for too long"],
  ph_arriving: ["Kommer in", "Arriving"],
  ph_waiting: ["I kö", "Waiting"],
  ph_offering: ["Ringer hos telefonist", "Ringing at a receptionist"],
  ph_ringing: ["Det ringer", "It rings"],
  ph_opening: ["Kopplas upp", "Opening"],
  ph_talking: ["I samtal", "Talking"],
  ph_held: ["Väntkopplad: hör musik", "On hold: hears music"],
  ph_held_phone: ["Telefonen håller samtalet: återta det i telefonen", "Your phone holds the call: resume it on the phone"],
  ph_consulting: ["Talar med {whom}", "Consulting {whom}"],
  ph_target_rings: ["Ringer {whom} – uppringaren hör musik", "Calling {whom} – the caller hears music"],
  ph_on_target: ["Du talar med {whom} – uppringaren hör musik", "You speak to {whom} – the caller hears music"],
  ph_on_caller: ["Du talar med uppringaren – {whom} väntar", "You speak to the caller – {whom} waits"],
  ph_conference: ["Alla tre hör varandra", "All three hear each other"],
  ph_connecting: ["Kopplar till {whom}: ringer", "Connecting to {whom}: ringing"],
  ph_connected: ["Kopplat till {whom}", "Connected with {whom}"],
  ph_forwarding: ["Skickas vidare till {whom}", "Sent on to {whom}"],
  ph_leaving: ["Hör ett meddelande och avslutas", "Hears a prompt, then ends"],
  ph_parked: ["Parkerad", "Parked"],
  ph_calling: ["Ringer upp", "Calling"],
  ph_ended: ["Avslutat", "Ended"],
  a_answer: ["Svara", "Answer"],
  answer_by_phone: ["Svara i telefonen", "Answer on your phone"],
  a_decline: ["Avvisa", "Decline"],
  a_hold: ["Vänta", "Hold"],
  a_resume: ["Återta", "Resume"],
  a_connect: ["Koppla", "Connect"],
  a_announce: ["Avisera", "Announce"],
  a_swap: ["Växla", "Swap"],
  a_join: ["Trepart", "Join"],
  a_complete: ["Koppla ihop", "Complete"],
  a_take_back: ["Ta tillbaka", "Take back"],
  a_park: ["Parkera", "Park"],
  a_hand_back: ["Till kön", "To the queue"],
  a_end: ["Lägg på", "Hang up"],
  a_divert: ["Skicka vidare", "Divert"],
  a_call: ["Ring", "Call"],
  parked_at: ["Parkerad på plats {slot}", "Parked at {slot}"],

  // Whom to reach.
  whom: ["Vart?", "To whom?"],
  whom_hint: ["Namn, sökord, anknytning eller nummer", "Name, keyword, extension or number"],
  number: ["nummer", "number"],
  common_number: ["gemensamt nummer", "common number"],
  colleague: ["kollega", "colleague"],
  group: ["grupp", "group"],
  substitute: ["ersättare", "substitute"],
  away: ["borta", "away"],
  away_until: ["{phrase}, åter {until}", "{phrase}, back {until}"],
  not_to_be_connected: ["ska inte kopplas", "not to be connected"],
  line_busy: ["upptaget i telefon", "on the phone"],
  line_ringing: ["telefonen ringer", "phone is ringing"],
  do_not_connect: ["{name} ska inte kopplas: {note}.", "{name} is not to be connected: {note}."],
  enter_again: ["Tryck Enter igen för att koppla ändå.", "Press Enter again to connect all the same."],
  choose_one: ["Välj bland träffarna och tryck Enter igen.", "Choose among these and press Enter again."],
  one_found: ["Är det rätt? Tryck Enter igen.", "Is this right? Press Enter again."],
  searching: ["Söker …", "Searching …"],
  no_hits: ["Ingen träff. Skriv ett annat ord, eller numret.", "Nothing found. Try another word, or the number."],
  search_failed: ["Sökningen svarar inte. Nummer och kollegor går att nå ändå.", "The search does not answer. Numbers and colleagues can be reached all the same."],
  call_out: ["Ring ut", "Call out"],
  in_whose_name: ["För", "In the name of"],
  call_whom: ["Till", "To"],

  // Around the call.
  lines: ["Köer", "Lines"],
  n_waiting: ["{n} väntar", "{n} waiting"],
  nobody_waits: ["Ingen väntar.", "Nobody waits."],
  parked: ["Parkerade", "Parked"],
  slot: ["Plats", "Slot"],
  pick_up: ["Hämta", "Pick up"],
  pick_up_hint: ["⇧F7 hämtar din egen, annars den som väntat längst.", "⇧F7 picks up your own, else who has waited longest."],
  nobody_parked: ["Ingen är parkerad.", "Nobody is parked."],
  wishes: ["Vill bli uppringda", "Call-back wishes"],
  tries: ["{n} försök", "{n} tries"],
  again_at: ["nästa försök {time}", "next try {time}"],
  no_wishes: ["Ingen vill bli uppringd.", "Nobody asked to be called back."],
  colleagues: ["Kollegor", "Colleagues"],
  n_free: ["{n} lediga", "{n} available"],
  misses: ["{n} missade", "{n} missed"],
  no_colleagues: ["Inga kollegor.", "No colleagues."],
  notes: ["Anslag", "Notes"],
  no_notes: ["Inga anslag.", "No notes."],
  messages: ["Besked", "Messages"],
  alarms: ["Larm", "Alarms"],
  al_longest_wait: ["Längsta väntan {value}", "Longest wait {value}"],
  al_service_level: ["Servicenivån är {value} %", "Service level is {value} %"],
  al_no_agent: ["{value} väntar utan att någon är inloggad", "{value} waiting with nobody logged in"],

  // Supervision.
  calls: ["Samtal", "Calls"],
  no_calls: ["Inga samtal.", "No calls."],
  steer: ["Styr …", "Steer …"],
  place: ["Plats i kön", "Place in line"],
  end_call: ["Avsluta samtalet", "End the call"],
  call_over: ["Samtalet är slut.", "The call is over."],
  send_to: ["Till vem", "To whom"],
  grant: ["+{n} s", "+{n} s"],
  stands_at: ["Plats {n} i kön, kom för {time} sedan", "Place {n} in line, came {time} ago"],
  move_first: ["Först", "First"],
  move_up: ["Fram", "Forward"],
  move_down: ["Bak", "Back"],
  give_to: ["Ge till", "Give to"],
  give: ["Ge", "Give"],
  nobody_free: ["Ingen är ledig just nu.", "Nobody is available just now."],
  free: ["Frigör", "Free"],
  free_hint: ["Frigör: telefonen läggs på, uppringaren går först i kön.", "Free: her phone is hung up, her caller goes to the head of the line."],
  write_note: ["Skriv anslag", "Write a note"],
  note_text: ["Text", "Text"],
  note_to: ["Till", "To"],
  note_hint: ["Visas på konsolerna i 12 timmar.", "Shown on consoles for 12 hours."],
  everybody: ["Alla", "Everybody"],
  send: ["Skicka", "Send"],

  // The connection.
  lost_server: ["Kontakten med servern är bruten.", "The connection to the server is lost."],
  lost_windows: ["För många fönster är öppna med samma token. Stäng ett.", "Too many windows are open with this token. Close one."],
  retry_in: ["Samtal går vidare i telefonen. Nytt försök om {n} s.", "Calls go on by phone. Trying again in {n} s."],
  retrying: ["Samtal går vidare i telefonen. Försöker igen …", "Calls go on by phone. Trying again …"],
  retry: ["Försök nu", "Try now"],
  link_back: ["Kontakten är tillbaka. Det som visas gäller.", "The connection is back. What is shown holds."],

  // What was refused, and what to do.
  e_state: ["Det går inte som samtalet är just nu. Se vad det gör och försök igen.", "Not possible as the call stands. See what it does and try again."],
  e_consults: ["Du talar redan med någon. Koppla ihop eller ta tillbaka först.", "You are speaking to somebody already. Complete or take back first."],
  e_phone: ["Telefonen själv håller samtalet. Återta det i telefonen.", "Your phone itself holds the call. Resume it on the phone."],
  e_colleague: ["Kollegan är inte ledig. Välj en annan, eller parkera.", "The colleague is not available. Choose another, or park."],
  e_nobody_free: ["Ingen där är ledig just nu. Välj någon annan, eller en grupp att vänta på.", "Nobody there is available just now. Choose somebody else, or a group to wait for."],
  e_slots: ["Alla 99 platser är upptagna. Hämta någon, eller lämna till kön.", "All 99 slots are taken. Pick somebody up, or hand back to the queue."],
  e_not_parked: ["Ingen är parkerad där längre.", "Nobody is parked there any more."],
  e_rings_elsewhere: ["En annan telefon ringer redan för det samtalet.", "Another phone rings for that call already."],
  e_not_free: ["Det går när du är inloggad, telefonen är ansluten och du inte har något samtal.", "Possible when you are logged in, your phone is connected and you have no call."],
  e_take: ["Samtalet väntar inte längre, eller telefonisten är inte ledig. Välj en annan.", "The call no longer waits, or the receptionist is not available. Choose another."],
  e_other_company: ["Den kollegan svarar bara för sitt eget företag. Välj en annan.", "That colleague answers for her own company alone. Choose another."],
  e_not_yours: ["Samtalet hör till någon annan.", "The call is somebody else's."],
  e_gone: ["Det finns inte längre.", "It is no longer there."],
  e_no_new: ["Inga nya samtal går att börja just nu. Försök om en stund.", "No new calls can be begun just now. Try again in a while."],
  e_person: ["Personen har inget nummer. Sök någon annan, eller skriv numret.", "The person has no number. Choose somebody else, or type the number."],
  e_target: ["Dit går det inte att ringa. Skriv en anknytning eller ett helt nummer, som 205 eller 08-50 00 00 42.", "That cannot be called. Type an extension or a whole number, such as 205 or 08-50 00 00 42."],
  e_refused: ["Det är inte tillåtet för den här kunden. Välj ett annat nummer.", "The rules of this company do not allow it. Choose another number."],
  e_limit: ["För många försök. Vänta {wait} s.", "Too many requests. Wait {wait} s."],
  e_network: ["Servern svarade inte. Titta efter vad som hände innan du försöker igen.", "The server did not answer. See what happened before you try again."],
  e_stopping: ["Servern kan inte ta emot det just nu. Försök om en stund.", "The server cannot take that just now. Try again in a while."],
  e_server: ["Servern kunde inte göra det. Försök igen, och säg till den som sköter den.", "The server could not do that. Try again, and tell whoever runs it."],

  // The keys.
  keys: ["Tangenter", "Keys"],
  keys_hint: ["Allt går också att nå med Tabb. F6 går mellan delarna, pilarna mellan raderna.", "Everything can be reached by Tab too. F6 goes between the parts, the arrows between rows."],
  k_answer: ["Svara; i samtal: till fältet Vart?", "Answer; in a call: to the field To whom?"],
  k_hold: ["Vänta och återta", "Hold and resume"],
  k_swap: ["Växla mellan uppringaren och den andra", "Swap between the caller and the other"],
  k_join: ["Trepart: alla hör varandra", "Join: all hear each other"],
  k_complete: ["Koppla ihop dem du talar med", "Connect the two you speak to"],
  k_park: ["Parkera", "Park"],
  k_hand_back: ["Lämna till kön", "Hand back to the queue"],
  k_end: ["Lägg på; när det ringer: avvisa", "Hang up; while it rings: decline"],
  k_take_back: ["Ta tillbaka; i ett fält: töm det; i en ruta: stäng den", "Take back; in a field: clear it; in a box: close it"],
  k_pick_up: ["Hämta parkerad", "Pick up who is parked"],
  k_call: ["Ring ut", "Call out"],
  k_state: ["Logga in, paus, ta samtal igen, klar med efterarbete", "Log in, pause, take calls again, ready before the wrap-up is over"],
  k_states: ["Välj paus, eller logga ut", "Choose a pause, or log out"],
  k_pane: ["Nästa del av sidan", "Next part of the page"],
  k_pane_back: ["Förra delen av sidan", "Previous part of the page"],
  k_help: ["Den här hjälpen, också med ?", "This help, also by ?"],
  k_connect: ["I Vart?: koppla direkt", "In To whom?: connect directly"],
  k_announce: ["I Vart?: tala med dem först", "In To whom?: speak to them first"],
  k_arrows: ["I Vart?: välj bland träffarna, också uppåt", "In To whom?: choose among what was found, also upwards"],
};

const remembered = "telefonist.language";

/** @returns {"sv"|"en"} what she chose, or what her browser speaks */
function first() {
  const chosen = localStorage.getItem(remembered);
  if (chosen === "sv" || chosen === "en") return chosen;
  return navigator.languages.find((l) => /^(sv|en)\b/.test(l))?.startsWith("en") ? "en" : "sv";
}

let now = first();

/** @returns {"sv"|"en"} */
export function language() {
  return now;
}

/** @param {"sv"|"en"} to is remembered by the browser */
export function speak(to) {
  now = to;
  localStorage.setItem(remembered, to);
}

/**
 * @param {string} key
 * @param {Object<string, any>} [values] for what stands in braces
 * @returns {string}
 */
export function t(key, values = {}) {
  const both = texts[key];
  if (!both) return key; // a word that the server learned after this page
  return both[now === "sv" ? 0 : 1].replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}
