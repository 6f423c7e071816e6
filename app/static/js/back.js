// A form that has booked already and is looked at again by Back leads on to what it has booked.
(() => {
  "use strict";

  addEventListener("pageshow", async (event) => {
    const form = document.querySelector("form[data-booked]");
    const [visit] = performance.getEntriesByType("navigation");
    if (!form || (!event.persisted && visit?.type !== "back_forward")) return;
    const body = new URLSearchParams({ key: form.elements.key.value });
    const answer = await fetch(form.dataset.booked, { method: "POST", body }).catch(() => null);
    if (answer?.redirected) location.replace(answer.url);
  });
})();
