/* Beside every input for a day: a button that opens the browser's own calendar. Without a script the input stands
   alone, and takes a day as people type it. */
"use strict";
(() => {
  for (const input of document.querySelectorAll("input[data-day]")) {
    if (input.disabled || input.closest("fieldset[disabled]")) continue;
    const picker = document.createElement("input");
    picker.type = "date";
    picker.tabIndex = -1;
    picker.className = "picker";
    picker.setAttribute("aria-hidden", "true");
    if (!picker.showPicker) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.tabIndex = -1;
    button.className = "open-picker";
    button.textContent = "▾";
    button.setAttribute("aria-label", input.dataset.day);
    const frame = document.createElement("span");
    frame.className = "day-input";
    input.before(frame);
    frame.append(input, button, picker);
    button.addEventListener("click", () => picker.showPicker());
    picker.addEventListener("change", () => {
      if (!picker.value) return;
      input.value = picker.value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      input.focus();
    });
  }
})();
