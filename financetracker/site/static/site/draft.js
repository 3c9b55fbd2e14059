/* Nothing typed is lost: a form that was left, or whose sending failed, is filled in again when it is next opened in
   this tab. What cannot be filled in (rows, where the short form stands; or something else is being typed already) is
   offered. Before sending, the server is asked whether it is there at all; without an answer nothing is sent, and
   that is said. The draft lives in the tab's own storage until the entry is in the books. */
"use strict";
(() => {
  const form = document.getElementById("entry-form") ?? document.getElementById("transfer-form");
  if (!form || form.querySelector("fieldset[disabled]")) return;
  const path = form.getAttribute("action") || location.pathname;
  const key = `draft ${path}`;
  const SKIPPED = new Set(["csrfmiddlewaretoken"]);
  let waiting = null; // a draft that is not in the form

  const store = (draft) => {
    try {
      sessionStorage.setItem(key, JSON.stringify(draft));
    } catch {
      // Storage that is full or forbidden: the form works without it.
    }
  };
  const keep = (sent) => store({ said: [...new FormData(form)].filter(([name]) => !SKIPPED.has(name)), sent, waiting });
  const forget = () => (waiting ? store({ waiting }) : sessionStorage.removeItem(key));
  const kept = () => {
    try {
      return JSON.parse(sessionStorage.getItem(key)) ?? {};
    } catch {
      return {};
    }
  };

  const notice = (text, id, ...verbs) => {
    document.getElementById(id)?.remove();
    const box = Object.assign(document.createElement("p"), { className: "notice", id, textContent: text });
    box.setAttribute("role", "status");
    for (const [verb, act] of verbs) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: verb });
      button.addEventListener("click", act);
      box.append(" ", button);
    }
    form.prepend(box);
  };

  const fits = (said) => {
    const isPlain = new Map(said).get("shape") === "plain";
    return isPlain === form.classList.contains("is-plain") && said.every(([name, value]) => !value || form.elements.namedItem(name));
  };
  const fill = (said) => {
    for (const [name, value] of said) {
      const input = form.elements.namedItem(name);
      if (!input || !("value" in input) || input.type === "submit") continue;
      input.value = value;
      if (value) input.closest("details")?.setAttribute("open", "");
    }
    form.dispatchEvent(new Event("input", { bubbles: true }));
    const afresh = () => {
      forget();
      location.reload();
    };
    notice(form.dataset.begun, "begun", [form.dataset.afresh, afresh]);
  };

  /* Rows are laid out by the server, as by the button that turns the short form into rows. */
  const layOut = (said) => {
    const sheet = Object.assign(document.createElement("form"), { method: "post", action: path, hidden: true });
    const token = form.elements.namedItem("csrfmiddlewaretoken").value;
    for (const [name, value] of [...said, ["wide", "1"], ["csrfmiddlewaretoken", token]]) {
      sheet.append(Object.assign(document.createElement("textarea"), { name, value }));
    }
    document.body.append(sheet);
    sheet.submit();
  };
  const offer = () => {
    const said = waiting;
    const values = new Map(said);
    const what = ["payee", "narration", "amount", "leg-0-account", "leg-0-amount"].map((name) => values.get(name)).filter(Boolean);
    const drop = () => {
      waiting = null;
      document.getElementById("waiting").remove();
    };
    const back = () => {
      drop();
      if (fits(said)) return fill(said);
      store({ said });
      layOut(said);
    };
    const away = () => {
      drop();
      keep(false);
    };
    notice(`${form.dataset.waiting} ${what.join(", ")}.`, "waiting", [form.dataset.back, back], [form.dataset.away, away]);
  };

  const isSaved = async (said) => {
    const data = new FormData();
    for (const [name, value] of said) data.append(name, value);
    data.append("draft", "1");
    data.set("csrfmiddlewaretoken", form.elements.namedItem("csrfmiddlewaretoken").value);
    const answer = await fetch(form.dataset.read, { method: "POST", body: data, redirect: "error" }).catch(() => null);
    return Boolean(answer?.ok && (await answer.json()).saved);
  };

  const begin = async () => {
    const { said, sent, waiting: older = null } = kept();
    waiting = older;
    if (!("fresh" in form.dataset)) {
      // The answer to a form: without this, going back to it is an error page of the browser.
      history.replaceState(history.state, "");
      return keep(false);
    }
    if (said && new Map(said).get("book") === form.elements.namedItem("book").value) {
      const version = new Map(said).get("version");
      let isTouched = false;
      form.addEventListener("input", () => (isTouched = true), { once: true });
      waiting = said; // whatever is typed from now on, this is not lost
      const isOver = version ? sent && version !== form.elements.namedItem("version").value : await isSaved(said);
      if (isOver || (!isTouched && !location.search && fits(said))) waiting = older;
      if (isOver) isTouched ? keep(false) : forget();
      else if (waiting !== said) fill(said);
    }
    if (waiting) offer();
  };

  form.addEventListener("input", () => keep(false));

  /* One click is one sending: "" nothing asked, "asking" whether the server is there, "going", "gone". */
  let state = "";
  form.addEventListener("submit", async (event) => {
    if (state === "going") return void (state = "gone");
    event.preventDefault();
    if (state) return;
    state = "asking";
    const { submitter } = event;
    keep(true);
    const there = await fetch(form.dataset.usual, { redirect: "manual", signal: AbortSignal.timeout(8000) }).catch(() => null);
    if (!there) {
      state = "";
      keep(false);
      return notice(form.dataset.offline, "offline");
    }
    document.getElementById("offline")?.remove();
    state = "going";
    form.requestSubmit(submitter);
    setTimeout(() => (state = ""), 10_000); // the answer may fail to come, and the form stands there still
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) state = "";
  });
  begin();
})();
