// Every word of the tenant's page, in Swedish and English side by side. The page says "ni" to the company; only what its people press is said by them.

import { learn } from "../assets/texts.js";

export { language, speak, t } from "../assets/texts.js";

/** @type {Object<string, [string, string]>} */
export const texts = {
  title: ["Mina sidor", "My pages"],
  page: ["Sidan", "The page"],
  company: ["Företag", "Company"],
  to_console: ["Konsolen", "The console"],
  loading: ["Hämtar läget …", "Getting the state of things …"],

  // Signing in and out.
  for_console: ["Din token är till för telefonister och arbetsledare. De arbetar i konsolen.", "Your token is for receptionists and supervisors. They work in the console."],
  for_nobody: ["Din token är inte längre till för något företag här. Be den som sköter servern om en ny.", "Your token is no longer for any company here. Ask whoever runs the server for a new one."],
  token_help: ["En token får ni av den som sköter servern. Den skapas en gång med:", "Whoever runs the server gives you a token. It is made once by:"],
  token_command: ["telefonist tokens create --tenant acme --name \"Mina sidor\" --scope directory:read,referrals:write", "telefonist tokens create --tenant acme --name \"My pages\" --scope directory:read,referrals:write"],
  token_other: ["Token är till för annat än den här sidan. Be om en med directory:read, och referrals:write för att kunna slå om.", "The token is for something other than this page. Ask for one with directory:read, and referrals:write to be able to switch."],
  session_over: ["Er token gäller inte längre. Logga in på sidan med en ny. Det som var inställt gäller.", "Your token is no longer valid. Sign in with a new one. What was set still holds."],

  // Who answers now.
  now: ["Just nu", "Just now"],
  now_service: ["Vi svarar åt er", "We answer for you"],
  now_service_until: ["Vi svarar åt er till {until}", "We answer for you until {until}"],
  now_own: ["Ni svarar själva", "You answer yourselves"],
  now_own_until: ["Ni svarar själva till {until}", "You answer yourselves until {until}"],
  now_own_then_service: ["Ni svarar först, sedan vi", "You answer first, then we do"],
  now_own_then_service_until: ["Ni svarar först, sedan vi, till {until}", "You answer first, then we do, until {until}"],
  now_closed: ["Stängt", "Closed"],
  now_closed_until: ["Stängt till {until}", "Closed until {until}"],
  then_service: ["Därefter svarar vi åt er.", "Then we answer for you."],
  then_own: ["Därefter svarar ni själva.", "Then you answer yourselves."],
  then_own_then_service: ["Därefter svarar ni först, sedan vi.", "Then you answer first, then we do."],
  then_closed: ["Därefter är det stängt.", "Then it is closed."],
  mode_always: ["Vi svarar på alla era samtal.", "We answer all your calls."],
  mode_with_own: ["Samtalen går först till era egna telefonister. De som får vänta för länge tar vi.", "Calls go to your own receptionists first. We take those that have to wait for too long."],
  mode_overflow: ["Era egna telefonister svarar. Samtal som de inte hinner med tar vi på en gång.", "Your own receptionists answer. Calls that they have no time for we take at once."],
  mode_closed_hours: ["Era egna telefonister svarar under öppettiderna. Resten av dygnet svarar vi.", "Your own receptionists answer during opening hours. We answer around them."],
  mode_when_away: ["Era egna telefonister svarar. Vi svarar bara när ni har sagt att ni är borta.", "Your own receptionists answer. We answer only when you have said that you are away."],
  no_own: ["Ni har inga egna telefonister i växeln här, så alla samtal som ska besvaras kommer till oss.", "You have no receptionists of your own in this switchboard, so all calls that are to be answered come to us."],
  other_numbers: ["Nummer med egna regler", "Numbers with rules of their own"],

  // The switch.
  here: ["Är ni borta?", "Are you away?"],
  here_help: ["Sjuk, på utbildning eller stängt för dagen: säg till här, så tar vi era samtal.", "Ill, on a course or shut for the day: say so here and we take your calls."],
  gone: ["Ni är borta", "You are away"],
  how_long: ["Hur länge?", "For how long?"],
  until_hour: ["En timme", "One hour"],
  until_closing: ["Till stängning i dag", "Until closing today"],
  until_opening: ["Till öppning", "Until opening"],
  until_morning: ["Till i morgon bitti", "Until tomorrow morning"],
  until_chosen: ["Egen dag och tid", "A day and time of your own"],
  until_further: ["Tills vidare", "Until further notice"],
  no_end: ["tills någon slår om", "until somebody switches back"],
  date: ["Dag", "Day"],
  time: ["Klockslag", "Time"],
  choose: ["Välj hur länge.", "Choose for how long."],
  choose_time: ["Välj dag och klockslag.", "Choose a day and a time."],
  time_past: ["Den tiden har redan varit. Välj en senare.", "That time is past. Choose a later one."],
  time_far: ["Det är mer än ett år bort. Välj Tills vidare i stället.", "That is more than a year ahead. Choose Until further notice instead."],
  away_today: ["Borta i dag till {time}.", "Away today until {time}."],
  away_until: ["Borta till {until}.", "Away until {until}."],
  away_further: ["Borta tills vidare.", "Away until further notice."],
  ends_itself: ["Sedan gäller det vanliga igen, av sig självt.", "Then things are as usual again, by themselves."],
  ends_by_hand: ["Kom ihåg att slå om när ni är tillbaka.", "Remember to switch when you are back."],
  effect_service: ["Från och med nästa samtal svarar vi åt er.", "From the next call on we answer for you."],
  effect_closed: ["Obs: just nu svarar inte heller vi. Den som ringer får höra att det är stängt.", "Note: just now we do not answer either. Callers hear that it is closed."],
  effect_same: ["Just nu märks det inte för den som ringer, utan först när era egna telefonister annars hade svarat.", "Just now callers notice nothing; they do once your own receptionists would have answered."],
  back_own: ["Är ni på plats igen? Då svarar ni själva från och med nästa samtal.", "Are you there again? Then you answer yourselves from the next call on."],
  back_own_then_service: ["Är ni på plats igen? Då ringer det först hos er från och med nästa samtal.", "Are you there again? Then it rings at your phones first from the next call on."],
  back_service: ["Är ni på plats igen?", "Are you there again?"],
  back_closed: ["Är ni på plats igen? Just nu är det stängt.", "Are you there again? It is closed just now."],
  back_same: ["Är ni på plats igen? Just nu märks det inte för den som ringer.", "Are you there again? Just now callers notice nothing."],
  we_are_away: ["Vi är borta", "We are away"],
  we_are_back: ["Vi är tillbaka", "We are back"],
  asking: ["Slår om …", "Switching …"],
  change: ["Ändra tiden", "Change the time"],
  change_do: ["Spara nya tiden", "Save the new time"],
  change_not: ["Ändra inte", "Do not change"],
  since: ["Sedan", "Since"],
  until: ["Till", "Until"],
  by: ["Av", "By"],
  by_way: ["{name}, {way}", "{name}, {way}"],
  way_api: ["på webben", "on the web"],
  way_phone: ["i telefonen", "by phone"],
  way_cli: ["den som sköter servern", "whoever runs the server"],
  may_not: ["Din token får se men inte slå om. För det behöver den rätten referrals:write eller directory:write. Be den som sköter servern om en sådan.", "Your token may see this but not switch. For that it needs the right referrals:write or directory:write. Ask whoever runs the server for one."],
  no_switch: ["Att säga till när ni är borta behövs inte", "There is no need to say when you are away"],
  no_switch_always: ["Vi svarar på alla era samtal, vare sig ni är på plats eller inte. Det finns inget att slå om.", "We answer all your calls whether you are there or not. There is nothing to switch."],

  // Opening hours.
  hours: ["Öppettider", "Opening hours"],
  day: ["Dag", "Day"],
  open: ["Öppet", "Open"],
  we_answer: ["Vi kan svara", "We can answer"],
  always_open: ["Inga öppettider är satta, så det är alltid öppet.", "No opening hours are set, so it is always open."],
  always: ["alltid", "always"],
  closed: ["stängt", "closed"],
  not_here: ["–", "–"],
  line_break: ["stängt {from}–{to}", "closed {from}–{to}"],
  holidays: ["Helgdagar", "Public holidays"],
  today: ["i dag", "today"],
  exceptions: ["Avvikande dagar närmaste månaden", "Days that differ in the coming month"],
  no_exceptions: ["Inga avvikande dagar den närmaste månaden.", "No days that differ in the coming month."],

  // Times.
  clock: ["kl. {time}", "{time}"],
  midnight: ["midnatt", "midnight"],
  day_today: ["i dag {time}", "today {time}"],
  day_tomorrow: ["i morgon {time}", "tomorrow {time}"],
  day_at: ["{day} {time}", "{day} {time}"],

  // The connection.
  lost: ["Kontakten med servern är bruten. Det som visas är från {time} och kan ha ändrats. Sidan försöker igen av sig själv.", "The connection to the server is lost. What is shown is from {time} and may have changed. The page tries again by itself."],
  lost_first: ["Servern svarar inte. Sidan försöker igen av sig själv.", "The server does not answer. The page tries again by itself."],

  // What was refused, and what to do.
  e_unsure: ["Servern svarade inte, så det är osäkert om det gick fram. Se vad som står här när kontakten är tillbaka, och försök då igen.", "The server did not answer, so it is unsure whether it was heard. See what is shown here once the connection is back, then try again."],
  e_right: ["Det får din token inte göra längre. Be den som sköter servern om en ny.", "Your token may no longer do that. Ask whoever runs the server for a new one."],
  e_gone: ["Företaget finns inte längre i växeln. Säg till den som sköter servern.", "The company is no longer in the switchboard. Tell whoever runs the server."],
  e_time: ["Servern tog inte emot tiden. Välj en senare, högst ett år bort.", "The server did not take that time. Choose a later one, a year ahead at most."],
};

learn(texts);
