// Leaving a form that was changed and not sent asks first. `data-unsaved="yes"` on a form says that
// what it was shown with is not saved yet.
(() => {
  "use strict";

  const words = (form) => new URLSearchParams(new FormData(form)).toString();
  const shown = new WeakMap();
  let leaving = null;

  function look() {
    for (const form of document.querySelectorAll("form[data-unsaved]")) {
      if (!shown.has(form)) shown.set(form, form.dataset.unsaved === "yes" ? null : words(form));
    }
  }

  const isChanged = (form) => form !== leaving && shown.has(form) && words(form) !== shown.get(form);

  addEventListener("beforeunload", (event) => {
    if (leaving === document) return;
    if ([...document.querySelectorAll("form[data-unsaved]")].some(isChanged)) event.preventDefault();
  });

  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented) leaving = event.target;
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-leave]")) leaving = document;
  });
  addEventListener("pageshow", () => { leaving = null; });
  document.addEventListener("htmx:after:swap", look);
  look();
})();
