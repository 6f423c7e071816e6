// What went wrong with a part of the page stands in one place. The server sends its own words there;
// here are those for when there is no server to say anything. The next success clears them.
(() => {
  "use strict";

  const place = document.getElementById("message");
  const PARTS_WITH_ERRORS = [409, 422];

  function say(words) {
    if (place.textContent === words) return;
    const note = document.createElement("p");
    note.className = "note failed";
    note.textContent = words;
    place.replaceChildren(note);
  }

  // Offline, or an answer that takes too long.
  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (ctx && ctx.text === undefined) say(place.dataset.offline);
  });

  // A proxy's own error page is not a part of ours.
  document.addEventListener("htmx:before:swap", (event) => {
    const { response, hx } = event.detail.ctx;
    if (response?.status >= 400 && !hx?.retarget && !PARTS_WITH_ERRORS.includes(response.status)) {
      event.preventDefault();
      say(place.dataset.broken);
    }
  });

  document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
    if (ctx.response.status < 400) place.replaceChildren();
  });
})();
