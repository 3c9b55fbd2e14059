/* Inputs with a datalist, improved: what fits is listed below while somebody types, the likeliest first and chosen, so
   that Tab or Enter takes it. Words may stand anywhere in a name. Esc closes the list and leaves what was typed.
   A `taken` event says which option was taken. Without a script the browser's own list serves. */
"use strict";
(() => {
  const MOST = 8;
  const form = document.getElementById("entry-form") ?? document.getElementById("transfer-form");
  if (!form || form.querySelector("fieldset[disabled]")) return;
  const options = (id) => [...(document.getElementById(id)?.options ?? [])];

  /* How well a name fits what was typed: 0 whole, 1 begins a name or its last part, 2 begins any word, 3 within. */
  const rank = (name, typed) => {
    const low = name.toLowerCase();
    const words = typed.split(/[\s:]+/).filter(Boolean);
    if (low === typed) return 0;
    if (!words.length || !words.every((word) => low.includes(word))) return -1;
    if (low.startsWith(typed) || low.slice(low.lastIndexOf(":") + 1).startsWith(typed)) return 1;
    return words.every((word) => low.split(/[\s:,.'()\-]+/).some((part) => part.startsWith(word))) ? 2 : 3;
  };

  const fitting = (id, typed) => {
    const low = typed.trim().toLowerCase();
    const ranked = options(id).map((option) => [rank(option.value, low), option]);
    return ranked.filter(([n]) => n >= 0).sort((a, b) => a[0] - b[0]).slice(0, MOST).map(([, option]) => option);
  };

  const item = (text, note, day) => {
    const li = document.createElement("li");
    li.setAttribute("role", "option");
    const name = li.appendChild(document.createElement("span"));
    name.textContent = text;
    if (day) li.appendChild(Object.assign(document.createElement("span"), { className: "day", textContent: day }));
    if (note) li.appendChild(Object.assign(document.createElement("span"), { className: "note", textContent: note }));
    return li;
  };

  const improve = (input) => {
    const id = input.getAttribute("list");
    if (!id || input.dataset.combobox) return;
    input.dataset.combobox = id;
    input.removeAttribute("list");
    const list = document.createElement("ul");
    list.className = "options";
    list.id = `${input.id || input.name}-options`;
    list.setAttribute("role", "listbox");
    list.hidden = true;
    const frame = document.createElement("span");
    frame.className = "combobox";
    const had = document.activeElement === input;
    input.before(frame);
    frame.append(input, list);
    if (had) input.focus();
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", list.id);
    input.setAttribute("aria-expanded", "false");
    list.setAttribute("aria-label", input.getAttribute("aria-label") || input.labels?.[0]?.textContent || id);
    let found = [];
    let at = -1;

    const close = () => {
      list.hidden = true;
      found = [];
      at = -1;
      input.setAttribute("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };
    const mark = (n) => {
      at = n;
      [...list.children].forEach((li, i) => li.setAttribute("aria-selected", String(i === at)));
      if (at < 0) return input.removeAttribute("aria-activedescendant");
      input.setAttribute("aria-activedescendant", list.children[at].id);
      list.children[at].scrollIntoView({ block: "nearest" });
    };
    const open = (typed, all) => {
      const isNew = id === "payees" && typed.trim() !== "";
      found = typed.trim() || !all ? (typed.trim() ? fitting(id, typed) : []) : options(id);
      list.replaceChildren();
      for (const option of found) {
        const { account, category, split, day } = option.dataset;
        const what = split === undefined ? category : form.dataset.split;
        const short = [what, account].filter(Boolean).map((name) => name.slice(name.lastIndexOf(":") + 1));
        list.append(item(option.value, short.join(" · "), day));
      }
      const exact = found.some((option) => option.value.toLowerCase() === typed.trim().toLowerCase());
      if (isNew && !exact && found.length) {
        list.append(item(`${form.dataset.new} “${typed.trim()}”`));
        found.push(null);
      }
      [...list.children].forEach((li, i) => (li.id = `${list.id}-${i}`));
      if (!found.length) return close();
      list.hidden = false;
      input.setAttribute("aria-expanded", "true");
      const first = found[0] && rank(found[0].value, typed.trim().toLowerCase());
      mark(typed.trim() && first < 3 ? 0 : -1);
    };
    const take = () => {
      const option = found[at];
      close();
      if (!option || input.value === option.value) return option;
      input.value = option.value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      close();
      return option;
    };
    const taken = (option) =>
      option && input.dispatchEvent(new CustomEvent("taken", { bubbles: true, detail: { ...option.dataset, name: option.value } }));

    input.addEventListener("input", (event) => event.isTrusted && open(input.value, false));
    // A phone has no arrow keys: a tap shows what there is.
    input.addEventListener("click", (event) => event.pointerType === "touch" && list.hidden && open("", true));
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (list.hidden) return open(input.value, true);
        const n = found.length;
        mark(event.key === "ArrowDown" ? (at + 1) % n : (at + n - (at < 0 ? 0 : 1)) % n);
      } else if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        event.stopPropagation();
        close();
      } else if (event.key === "Enter" && !list.hidden && at >= 0) {
        // What stands there already is taken and the form goes; what is only chosen fills the input first.
        const before = input.value;
        taken(take());
        if (input.value !== before && !event.ctrlKey && !event.metaKey) event.preventDefault();
      } else if (event.key === "Tab" && !list.hidden && at >= 0) {
        taken(take());
      }
    });
    input.addEventListener("blur", () => {
      close();
      if (id !== "payees" || !input.value.trim()) return;
      const low = input.value.trim().toLowerCase();
      taken(options(id).find((option) => option.value.toLowerCase() === low));
    });
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const li = event.target.closest("li");
      if (!li) return;
      mark([...list.children].indexOf(li));
      taken(take());
    });
  };

  const every = (root) => root.querySelectorAll("input[list]").forEach(improve);
  every(form);
  form.addEventListener("added", (event) => every(event.target));
})();
