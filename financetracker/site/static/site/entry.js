/* The transaction form, with a script: rows are added in place, what the legs are off is shown while typing, `=` puts
   what is left into an amount, Ctrl+Enter saves. Sums are BigInt in units of 10^-18: exact, as the server's are. */
"use strict";
(() => {
  const form = document.getElementById("entry-form");
  if (!form || form.querySelector("fieldset[disabled]")) return;
  const body = form.querySelector("#legs tbody");
  const output = document.getElementById("balance");
  const SCALE = 18n;
  const base = form.dataset.base;

  const options = (id) => new Map([...(document.getElementById(id)?.options ?? [])].map((o) => [o.value, o.dataset]));
  const accounts = options("accounts");
  const commodities = options("commodities");

  const parse = (text) => {
    const match = /^([+\-\u2212]?)([0-9]{0,20})(?:\.([0-9]{0,18}))?$/.exec(text.trim());
    if (!match || !(match[2] || match[3])) return null;
    const units = BigInt(match[2] || "0") * 10n ** SCALE + BigInt((match[3] || "").padEnd(Number(SCALE), "0"));
    return match[1] && match[1] !== "+" ? -units : units;
  };

  const write = (units, places) => {
    const digits = (units < 0n ? -units : units).toString().padStart(Number(SCALE) + 1, "0");
    const whole = digits.slice(0, -Number(SCALE));
    const decimals = digits.slice(-Number(SCALE)).replace(/0+$/, "").padEnd(places, "0");
    return (units < 0n ? "-" : "") + whole + (decimals ? "." + decimals : "");
  };

  const field = (row, name) => row.querySelector(`[name$="-${name}"]`);
  const rows = () => [...body.querySelectorAll("tr.leg")];
  const code = (row) => {
    const typed = field(row, "commodity").value.trim();
    if (typed) return commodities.has(typed) ? typed : typed.toUpperCase();
    return accounts.get(field(row, "account").value.trim())?.commodity || base;
  };

  /* What a leg counts: its worth in another commodity where one is given, with the amount's sign. */
  const weight = (row) => {
    const amount = parse(field(row, "amount").value);
    const worth = field(row, "weight").value.trim();
    if (!worth) return amount === null ? null : [code(row), amount];
    const units = parse(worth);
    if (units === null || amount === null) return null;
    const typed = field(row, "weight_commodity").value.trim() || base;
    return [commodities.has(typed) ? typed : typed.toUpperCase(), amount < 0n && !/^[+\-\u2212]/.test(worth) ? -units : units];
  };

  const residue = (except) => {
    const sums = new Map();
    for (const row of rows()) {
      const counted = row === except ? null : weight(row);
      if (counted) sums.set(counted[0], (sums.get(counted[0]) ?? 0n) + counted[1]);
    }
    return new Map([...sums].filter(([, units]) => units !== 0n));
  };

  const show = () => {
    const typed = rows().filter((row) => weight(row));
    const off = [...residue()].map(([name, units]) => `${write(units, Number(commodities.get(name)?.places ?? 0))} ${name}`);
    const text = typed.length === 0 ? "" : off.length ? `${output.dataset.off} ${off.join(", ")}` : output.dataset.balanced;
    if (output.textContent !== text) output.textContent = text;
    output.className = typed.length === 0 ? "" : off.length ? "off" : "balanced";
  };

  const fill = (row) => {
    const name = code(row);
    const left = residue(row).get(name);
    if (left === undefined || field(row, "weight").value.trim()) return;
    field(row, "amount").value = write(-left, Number(commodities.get(name)?.places ?? 0));
    show();
  };

  const prepare = (row) => {
    const button = row.querySelector(".remove");
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const input of row.querySelectorAll("input")) input.value = "";
      show();
      field(row, "account").focus();
    });
    field(row, "amount").addEventListener("keydown", (event) => {
      if (event.key === "=") {
        event.preventDefault();
        fill(row);
      }
    });
  };

  const add = () => {
    const last = rows().at(-1);
    const row = last.cloneNode(true);
    const index = Number(last.dataset.leg) + 1;
    const count = rows().length + 1;
    row.dataset.leg = index;
    row.classList.remove("is-wrong");
    for (const input of row.querySelectorAll("input")) {
      input.name = input.name.replace(/^leg-\d+-/, `leg-${index}-`);
      input.value = "";
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
      const label = input.getAttribute("aria-label");
      if (label) input.setAttribute("aria-label", label.replace(/\d+$/, count));
    }
    body.append(row);
    prepare(row);
    return row;
  };

  for (const row of rows()) prepare(row);
  document.getElementById("add-rows").addEventListener("click", (event) => {
    event.preventDefault();
    field(add(), "account").focus();
  });
  form.addEventListener("input", () => {
    const last = rows().at(-1);
    if (last && field(last, "account").value.trim() && rows().length < 1000) add();
    show();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[name=_addanother]") ?? form.querySelector("[name=_save].primary"));
    }
  });
  form.querySelector("[aria-invalid]")?.focus();
  show();
})();
