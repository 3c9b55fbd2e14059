/* The transfer form, with a script: what arrives is asked for only between commodities, the rate is shown while typing,
   Ctrl+Enter saves and adds another. The server decides; the rate here is for the eye. */
"use strict";
(() => {
  const form = document.getElementById("transfer-form");
  if (!form) return;
  const field = (name) => form.elements.namedItem(name);
  const output = document.getElementById("rate");
  const decimal = form.dataset.decimal || ".";
  const held = new Map([...document.getElementById("ends").options].map((o) => [o.value, o.dataset.commodity]));

  const code = (account, commodity) =>
    field(commodity).value.trim().toUpperCase() || held.get(field(account).value.trim()) || form.dataset.base;

  const number = (name) => {
    const plain = field(name).value.replace(/[\s\u00a0\u202f']/g, "");
    const grouped = plain.includes(decimal) || decimal === "." ? plain.replaceAll(decimal === "," ? "." : ",", "") : plain;
    const value = Number(grouped.replace(",", "."));
    return Number.isFinite(value) ? value : 0;
  };

  const show = () => {
    const from = code("source", "commodity");
    const to = code("target", "received_commodity");
    field("commodity").placeholder = from;
    field("received_commodity").placeholder = to;
    const differs = from !== to;
    const typed = field("received").value || field("received").getAttribute("aria-invalid");
    form.querySelector(".field-received").hidden = !differs && !typed;
    const [left, arrived] = [number("amount"), number("received")];
    let text = "";
    if (differs && left > 0 && arrived > 0) {
      const turned = arrived < left;
      const value = (turned ? left / arrived : arrived / left).toPrecision(6);
      const short = value.includes(".") ? value.replace(/\.?0+$/, "") : value;
      text = `${short.replace(".", decimal)} ${turned ? from : to} ${form.dataset.per} ${turned ? to : from}`;
    }
    if (output.textContent !== text) output.textContent = text;
  };

  form.addEventListener("input", show);
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
