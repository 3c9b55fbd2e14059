/* Opening balances, with a script: what the rows add up to is read by the server and shown while somebody types. */
"use strict";
(() => {
  const form = document.getElementById("start-form");
  let waiting = 0;
  let asked = 0;
  const read = async () => {
    const number = ++asked;
    const data = new FormData(form);
    data.append("read", "1");
    const answer = await fetch(location.pathname, { method: "POST", body: data, redirect: "error" }).catch(() => null);
    const sums = answer?.ok ? await answer.json() : {};
    if (number !== asked) return; // something was typed meanwhile, and asked about again
    for (const [name, text] of Object.entries(sums)) form.querySelector(`[data-sum="${name}"]`).textContent = text;
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(read, 120);
  });
})();
