/* Keys for hands that stay on them. Each only presses what is on the page already: a link, a field, a button. */
"use strict";
(() => {
  const GO = { o: "go-overview", t: "go-transactions", a: "go-accounts", p: "go-payees" };
  const PATIENCE = 1500;
  let going = 0;

  const typing = (target) => target.closest("input, select, textarea, [contenteditable]") !== null;
  const press = (id) => document.getElementById(id)?.click();

  /* Rows of the page's first list; the link in a row's heading is what a row is reached by. */
  const links = () => [...document.querySelectorAll("table.plain tbody th a, #result_list tbody th a")].filter((a) => a.offsetParent);
  const step = (by) => {
    const all = links();
    if (!all.length) return;
    const row = document.activeElement.closest("tr");
    const at = row ? all.findIndex((a) => a.closest("tr") === row) : -1;
    all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))].focus();
  };

  const KEYS = {
    n: () => press("new"),
    t: () => press("new-transfer"),
    e: () => press("amend"),
    "/": () => {
      const field = [...document.querySelectorAll("#filter_q, #find-words")].find((input) => input.offsetParent);
      if (!field) return press("search"); // a narrow page has no room for the field
      field.focus();
      field.select();
    },
    "?": () => document.getElementById("keys")?.togglePopover(),
    j: () => step(1),
    k: () => step(-1),
    c: () => document.activeElement.closest("tr")?.querySelector("[data-key=c]:not([disabled])")?.click(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = Date.now() - going < PATIENCE && GO[event.key] ? () => press(GO[event.key]) : KEYS[event.key];
    going = event.key === "g" ? Date.now() : 0;
    if (!act) return;
    event.preventDefault();
    act();
  });

  /* What is to be put right first, where no form has begun somewhere itself. */
  if (document.activeElement === document.body) document.querySelector("#content [aria-invalid=true]")?.focus();
  if (location.hash === "#filter_q") document.getElementById("filter_q")?.focus();

  /* A menu closes by Esc and by a click beside it. */
  const close = (except) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) if (menu !== except) menu.open = false;
  };
  document.addEventListener("click", (event) => close(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" ? document.activeElement.closest("details.menu[open]") : null;
    if (menu) menu.querySelector("summary").focus();
    if (event.key === "Escape") close(null);
    // Out of a field, so that letters are keys again; Tab goes on from there.
    if (event.key === "Escape" && !menu && !event.defaultPrevented && typing(event.target)) event.target.blur();
  });
})();
