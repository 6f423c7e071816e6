// Reads calendars (a JSON list of texts on standard input) as ical.js does, and says what it read.
import ICAL from "ical.js";

let given = "";
for await (const piece of process.stdin) given += piece;
const read = JSON.parse(given).map((text) => {
  const calendar = new ICAL.Component(ICAL.parse(text));
  const event = new ICAL.Event(calendar.getFirstSubcomponent("vevent"));
  return {
    method: calendar.getFirstPropertyValue("method"),
    uid: event.uid,
    sequence: event.sequence,
    summary: event.summary,
    description: event.description,
    location: event.location,
    starts: event.startDate.toJSDate().toISOString(),
    ends: event.endDate.toJSDate().toISOString(),
    organizer: event.organizer,
    attendees: event.attendees.map((one) => [one.getFirstValue(), one.getParameter("cn")]),
  };
});
process.stdout.write(JSON.stringify(read));
