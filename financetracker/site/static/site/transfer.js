/* The transfer form, with a script: what arrives is asked for only between commodities; the server reads what is typed
   and its rate is shown, beside that of the book's prices; Ctrl+Enter saves and adds another. No arithmetic here. */
"use strict";
(() => {
  const form = document.getElementById("transfer-form");
  if (!form) return;
  const field = (name) => form.elements.namedItem(name);
  const output = document.getElementById("rate");
  const ends = [...document.getElementById("ends").options].map((o) => [`:${o.value.toLowerCase()}`, o.dataset.commodity]);
  /* The only commodity of an account, which may be named by the end of its name. */
  const held = (typed) => typed && ends.find(([name]) => name.endsWith(`:${typed.toLowerCase()}`))?.[1];

  const code = (account, commodity) =>
    field(commodity).value.trim().toUpperCase() || held(field(account).value.trim()) || form.dataset.base;

  const show = () => {
    const from = code("source", "commodity");
    const to = code("target", "received_commodity");
    field("commodity").placeholder = from;
    field("received_commodity").placeholder = to;
    const differs = from !== to;
    const typed = field("received").value || field("received").getAttribute("aria-invalid");
    form.querySelector(".field-received").hidden = !differs && !typed;
    return differs;
  };

  /* One question at a time is answered: the last. */
  let waiting = 0;
  let asked = 0;
  const read = async (differs) => {
    const number = ++asked;
    const data = new FormData(form);
    data.append("read", "1");
    const sent = differs && fetch(location.pathname, { method: "POST", body: data, redirect: "error" });
    const answer = await Promise.resolve(sent).catch(() => null);
    const said = answer?.ok ? await answer.json() : {};
    if (number !== asked) return;
    if (output.textContent !== (said.rate ?? "")) output.textContent = said.rate ?? "";
    document.getElementById("known-rate").textContent = said.known ?? "";
  };

  form.addEventListener("input", () => {
    const differs = show();
    clearTimeout(waiting);
    waiting = setTimeout(() => read(differs), 120);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[name=_addanother]") ?? form.querySelector("[name=_save]"));
    }
  });
  const first = form.querySelector("[aria-invalid=true]") ?? (field("version").value ? field("amount") : null);
  first?.focus();
  first?.select();
  show();
})();
