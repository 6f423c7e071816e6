// What no link or form can do: copy, suggest the browser's own zone, move the focus. All optional.
(() => {
  "use strict";

  const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "";

  function prepare(root) {
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
    for (const field of root.querySelectorAll("[data-browser-zone]")) field.value ||= zone();
    for (const note of root.querySelectorAll("[data-suggest-zone]")) suggestZone(note);
  }

  function clock(at, timeZone) {
    try {
      return at.toLocaleString("en", { timeZone });
    } catch {
      return ""; // a zone that this browser does not know
    }
  }

  function suggestZone(note) {
    const own = zone();
    const times = [...document.querySelectorAll("#times time[datetime]")].map((time) => new Date(time.dateTime));
    note.hidden = true;
    // "Etc/Unknown", "+00:00" and the like are no zones to offer, nor is one on the same clock.
    if (!/^[A-Z]\w+\/[\w+\-/]+$/.test(own) || own === "Etc/Unknown") return;
    if ([new Date(), ...times].every((at) => clock(at, own) === clock(at, note.dataset.shown))) return;
    const link = note.querySelector("a");
    const address = new URL(link.href);
    const here = new URL(location.href);
    if (here.searchParams.has("lang")) address.searchParams.set("lang", here.searchParams.get("lang"));
    // The chosen day goes along as an instant: it may be another date over there.
    for (const field of document.querySelectorAll("#zone-day input")) address.searchParams.set(field.name, field.value);
    address.searchParams.set("tz", own);
    link.href = address;
    note.querySelector("span").textContent = own;
    note.hidden = false;
  }

  // To who does not see it. A status only while there is one to read.
  function say(words) {
    const said = document.getElementById("said");
    said.role = words ? "status" : null;
    said.textContent = words;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.select();
    await navigator.clipboard.writeText(field.value);
    const words = button.textContent;
    button.textContent = button.dataset.copied;
    say(button.dataset.copied);
    setTimeout(() => {
      button.textContent = words;
      say("");
    }, 2000);
  });

  // A second press while the first is under way does nothing; the server would not book twice either.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-once]")) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("[data-once]")) delete form.dataset.sent;
  });

  // The address under the field follows what is typed.
  document.addEventListener("input", (event) => {
    const shown = event.target.closest("#slug-field")?.querySelector("strong");
    if (shown) shown.textContent = event.target.value.trim().toLowerCase() || "…";
  });

  const hasFailed = (ctx) => ctx.response?.status >= 400;

  // A suggestion never replaces what somebody typed.
  document.addEventListener("htmx:before:swap", (event) => {
    if (hasFailed(event.detail.ctx)) return;
    const field = event.detail.ctx.target?.querySelector("[data-suggested]");
    if (field && field.value !== field.defaultValue) event.preventDefault();
  });

  // A button that is about to go hands its focus on; htmx keeps it there by its id.
  document.addEventListener("htmx:before:swap", (event) => {
    const { ctx } = event.detail;
    if (!hasFailed(ctx)) document.getElementById(ctx.sourceElement.dataset.then)?.focus();
  });

  // One column: the times lie below the month, perhaps out of sight.
  document.addEventListener("htmx:after:swap", (event) => {
    const { ctx } = event.detail;
    if (hasFailed(ctx) || !ctx.sourceElement?.matches(".day") || matchMedia("(min-width: 52rem)").matches) return;
    document.querySelector(".day-times h2").scrollIntoView({ block: "start" });
  });

  document.addEventListener("htmx:after:swap", () => prepare(document));
  prepare(document);
  // Only when the page opens: a part that comes later must not take the focus away.
  document.querySelector("[data-focus]")?.focus();
})();
