/* Nothing typed is lost: a form that was left, or whose sending failed, is filled in again when it is next opened in
   this tab. Before sending, the server is asked whether it is there at all; without an answer nothing is sent, and
   that is said. The draft lives in the tab's own storage until the entry is in the books. */
"use strict";
(() => {
  const form = document.getElementById("entry-form") ?? document.getElementById("transfer-form");
  if (!form || form.querySelector("fieldset[disabled]")) return;
  const key = `draft ${form.getAttribute("action") || location.pathname + location.search}`;
  const SKIPPED = new Set(["csrfmiddlewaretoken"]);

  const keep = (sent) => {
    const said = [...new FormData(form)].filter(([name]) => !SKIPPED.has(name));
    try {
      sessionStorage.setItem(key, JSON.stringify({ said, sent }));
    } catch {
      // Storage that is full or forbidden: the form works without it.
    }
  };
  const forget = () => sessionStorage.removeItem(key);
  const kept = () => {
    try {
      return JSON.parse(sessionStorage.getItem(key));
    } catch {
      return null;
    }
  };

  const notice = (text, id, verb, act) => {
    document.getElementById(id)?.remove();
    const box = Object.assign(document.createElement("p"), { className: "notice", id, textContent: `${text} ` });
    box.setAttribute("role", "status");
    if (verb) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: verb });
      button.addEventListener("click", act);
      box.append(button);
    }
    form.prepend(box);
  };

  /* A draft of the other shape (rows, where the short form stands) is fetched by asking the server to lay it out. */
  const restore = (said) => {
    const values = new Map(said);
    const isPlain = values.get("shape") === "plain";
    if (isPlain !== form.classList.contains("is-plain")) return false;
    const missing = said.filter(([name, value]) => value && !form.elements.namedItem(name));
    if (missing.length) return false;
    for (const [name, value] of said) {
      const input = form.elements.namedItem(name);
      if (input && "value" in input && input.type !== "submit") input.value = value;
    }
    if (["narration", "tags", "code", "notes"].some((name) => values.get(name))) form.querySelector("details.more-fields")?.setAttribute("open", "");
    return true;
  };

  const begin = async () => {
    const draft = kept();
    if (!("fresh" in form.dataset)) return keep(false);
    if (!draft) return;
    const values = new Map(draft.said);
    if (values.get("book") !== form.elements.namedItem("book").value) return;
    if (values.get("version") !== form.elements.namedItem("version").value && draft.sent) return forget();
    const data = new FormData();
    for (const [name, value] of draft.said) data.append(name, value);
    data.append("draft", "1");
    data.set("csrfmiddlewaretoken", form.elements.namedItem("csrfmiddlewaretoken").value);
    const answer = await fetch(form.dataset.read, { method: "POST", body: data, redirect: "error" }).catch(() => null);
    const isNew = !values.get("version");
    if (answer?.ok && isNew && (await answer.json()).saved) return forget();
    if (!restore(draft.said)) return;
    form.dispatchEvent(new Event("input", { bubbles: true }));
    notice(form.dataset.begun, "begun", form.dataset.afresh, () => {
      forget();
      location.reload();
    });
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
