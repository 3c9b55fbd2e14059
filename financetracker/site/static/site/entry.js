/* The form of an entry, with a script: what is typed is read by the server and the reading shown (the day, sums, what
   the legs are off, in words), a payee's usual accounts are filled in as suggestions, rows are added in place, `=` puts
   what is left into an amount, Ctrl+Enter saves and begins the next one, Esc clears suggestions. No arithmetic here:
   the server's is exact. */
"use strict";
(() => {
  const form = document.getElementById("entry-form");
  if (!form || form.querySelector("fieldset[disabled]")) return;
  const body = form.querySelector("#legs tbody");
  const named = (name) => form.elements.namedItem(name);
  const field = (row, name) => row.querySelector(`[name$="-${name}"]`);
  const rows = () => (body ? [...body.querySelectorAll("tr.leg")] : []);

  /* --- Reading: one question at a time, asked again if something was typed meanwhile */
  let asking = false;
  let again = false;
  let waiting = 0;

  const show = (answer) => {
    for (const place of form.querySelectorAll("[data-read]")) {
      const name = place.dataset.read;
      const sum = answer.sums[name];
      const text = name === "day" ? answer.day : sum ? `= ${sum}` : "";
      if (place.textContent !== text) place.textContent = text;
    }
    const says = document.getElementById("says");
    if (says && says.textContent !== answer.says) says.textContent = answer.says;
    const charged = form.querySelector(".field-charged");
    if (charged && !charged.classList.contains("is-wrong")) {
      charged.hidden = !answer.charged && !named("charged").value;
      if (answer.charged) charged.querySelector("label").textContent = answer.charged;
    }
    const balance = document.getElementById("balance");
    if (balance) {
      const { off } = answer;
      const text = off === null ? answer.unread : off.length ? `${balance.dataset.off} ${off.join(", ")}` : balance.dataset.balanced;
      if (balance.textContent !== text) balance.textContent = text;
      balance.className = off === null ? "" : off.length ? "off" : "balanced";
    }
    for (const [name, value] of Object.entries(answer.fill)) {
      const input = named(name);
      if (input && input.value.trim() === "=") {
        input.value = value;
        again = true;
      }
    }
  };

  const read = async () => {
    clearTimeout(waiting);
    if (asking) return void (again = true);
    asking = true;
    again = false;
    try {
      const answer = await fetch(form.dataset.read, { method: "POST", body: new FormData(form), redirect: "error" });
      if (answer.ok) show(await answer.json());
    } catch {
      // No connection: nothing is shown, and draft.js says so when the form is to be sent.
    } finally {
      asking = false;
      if (again) read();
    }
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(read, 120);
  };

  /* --- Suggestions: a payee's last entry, marked until somebody types over it. What was suggested stands beside the
     input, so that the mark comes back with an answer of the server or with a draft. */
  const mark = (input) => {
    const frame = input.closest(".field, td");
    frame.classList.add("is-suggested");
    frame.querySelector(".suggestion").value = input.value;
    const label = frame.querySelector("label");
    if (label && !label.querySelector(".suggested")) {
      label.append(" ", Object.assign(document.createElement("span"), { className: "suggested", textContent: form.dataset.suggested }));
    }
  };
  const unmark = (input) => {
    const frame = input.closest(".is-suggested");
    frame?.classList.remove("is-suggested");
    frame?.querySelector(".suggested")?.remove();
    if (frame) frame.querySelector(".suggestion").value = "";
  };
  const markAgain = () => {
    for (const suggestion of form.querySelectorAll(".suggestion")) {
      const input = suggestion.parentElement.querySelector("input:not([type=hidden])");
      if (suggestion.value && suggestion.value === input.value) mark(input);
    }
  };
  const isSuggested = (input) => Boolean(input.closest(".is-suggested"));

  const suggest = (known) => {
    for (const name of ["account", "category", "tags"]) {
      const input = named(name);
      if (!input || (input.value.trim() && !isSuggested(input))) continue;
      const value = known[name] ?? "";
      if (!value && name === "account") continue; // what the last form was paid with is better than nothing
      input.value = value;
      if (value) mark(input);
      else unmark(input);
      if (value && name === "tags") input.closest("details")?.setAttribute("open", "");
    }
    soon();
  };
  /* A split is laid out by the server: it is offered, not done, while somebody types on. */
  const offerSplit = (is) => {
    const button = document.getElementById("as-usual");
    if (button) button.hidden = !is;
  };

  let lastPayee = named("payee")?.value.trim() ?? "";
  form.addEventListener("taken", async (event) => {
    const known = event.detail;
    if (event.target.name !== "payee" || known.name === lastPayee || named("version").value) return;
    lastPayee = known.name;
    offerSplit("split" in known);
    if (known.day) return suggest(known);
    const answer = await fetch(`${form.dataset.usual}?payee=${encodeURIComponent(known.name)}`, { redirect: "error" }).catch(() => null);
    if (!answer?.ok) return;
    const usual = await answer.json();
    if (!usual.payee) return;
    offerSplit(usual.split);
    suggest(usual);
  });
  form.addEventListener("keydown", (event) => {
    // What is suggested without a payee is what was paid with last: it takes nothing to type over that.
    const suggested = event.key === "Escape" && named("payee").value.trim() ? form.querySelectorAll(".is-suggested") : [];
    if (!suggested.length) return;
    event.preventDefault();
    for (const frame of suggested) {
      const input = frame.querySelector("input:not([type=hidden])");
      input.value = "";
      unmark(input);
    }
    soon();
  });

  /* --- Rows */
  const prepare = (row) => {
    const button = row.querySelector(".remove");
    button.hidden = false;
    button.tabIndex = -1; // by keyboard a row is emptied, and Tab comes sooner to the next
    button.addEventListener("click", () => {
      for (const input of row.querySelectorAll("input")) input.value = "";
      soon();
      field(row, "account").focus();
    });
  };
  const add = () => {
    const last = rows().at(-1);
    const row = document.createElement("tr");
    row.className = "leg";
    const index = Number(last.dataset.leg) + 1;
    const count = rows().length + 1;
    row.dataset.leg = index;
    for (const cell of last.children) {
      const made = row.appendChild(document.createElement("td"));
      made.className = cell.className.replace("is-suggested", "");
      if (cell.dataset.label) made.dataset.label = cell.dataset.label;
      const fold = cell.querySelector("details");
      const frame = fold ? made.appendChild(fold.cloneNode()) : made;
      if (fold) frame.append(fold.querySelector("summary").cloneNode(true));
      frame.open = false;
      for (const old of cell.querySelectorAll("input:not(.picker)")) {
        const input = frame.appendChild(document.createElement("input"));
        for (const { name, value } of old.attributes) {
          if (!/^(value|role|aria-(?!label)|data-)/.test(name)) input.setAttribute(name, value.replace(/^leg-\d+-/, `leg-${index}-`));
        }
        if (old.dataset.combobox) input.setAttribute("list", old.dataset.combobox);
        const label = old.getAttribute("aria-label");
        if (label) input.setAttribute("aria-label", label.replace(/\d+$/, count));
      }
      const place = cell.querySelector("[data-read]");
      if (place) {
        made.append(Object.assign(document.createElement("span"), { className: place.className }));
        made.lastChild.dataset.read = `leg-${index}-amount`;
      }
      const button = cell.querySelector("button.remove");
      if (button) made.append(button.cloneNode(true));
    }
    body.append(row);
    row.dispatchEvent(new CustomEvent("added", { bubbles: true }));
    prepare(row);
    return row;
  };
  for (const row of rows()) prepare(row);
  document.getElementById("add-rows")?.addEventListener("click", (event) => {
    event.preventDefault();
    field(add(), "account").focus();
  });

  /* --- Typing and saving */
  form.addEventListener("input", (event) => {
    if (event.target.matches("input")) unmark(event.target);
    else if (event.target === form) markAgain();
    const last = rows().at(-1);
    if (last && field(last, "account").value.trim() && rows().length < 1000) add();
    soon();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[name=_addanother].button") ?? form.querySelector("[name=_save].button"));
    }
    // The calendar's and the browser's own meaning of Enter in a text area stay.
  });

  const first = () => {
    if (form.querySelector("[autofocus]")) return form.querySelector("[autofocus]");
    if (form.querySelector("[aria-invalid=true]")) return form.querySelector("[aria-invalid=true]");
    // What is put right, or entered again, is an amount more often than not: typing replaces it. Beside other
    // things (there it has an action) the form waits.
    if ("fresh" in form.dataset) return form.hasAttribute("action") ? null : (named("amount") ?? named("leg-0-amount"));
    const names = body ? rows().flatMap((row) => ["account", "amount"].map((name) => field(row, name))) : ["payee", "amount", "account", "category"].map(named);
    return names.find((input) => !input.value.trim()) ?? form.querySelector("[name=_save].button");
  };
  const begin = first();
  begin?.focus();
  begin?.select?.();
  if (body || !("fresh" in form.dataset)) read();
})();
