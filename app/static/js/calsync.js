// What no link or form can do: copy, suggest the browser's own zone, focus an error. All optional.
(() => {
  "use strict";

  const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "";

  function prepare(root) {
    for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
    for (const field of root.querySelectorAll("[data-browser-zone]")) field.value ||= zone();
    for (const note of root.querySelectorAll("[data-suggest-zone]")) suggestZone(note);
    root.querySelector("[data-focus]")?.focus();
  }

  function suggestZone(note) {
    const own = zone();
    if (!own || own === note.dataset.shown) return;
    const link = note.querySelector("a");
    const address = new URL(link.href);
    const here = new URL(location.href);
    for (const name of ["month", "date", "lang"]) {
      if (here.searchParams.has(name)) address.searchParams.set(name, here.searchParams.get(name));
    }
    address.searchParams.set("tz", own);
    link.href = address;
    note.querySelector("span").textContent = own;
    note.hidden = false;
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.select();
    await navigator.clipboard.writeText(field.value);
    const words = button.textContent;
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = words; }, 2000);
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

  document.addEventListener("htmx:after:swap", () => prepare(document));
  prepare(document);
})();
