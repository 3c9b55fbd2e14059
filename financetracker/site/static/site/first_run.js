/* The form of a new book, with a script: the time zone is what the browser says, unless somebody wrote one. */
"use strict";
(() => {
  const zone = document.getElementById("id_time_zone");
  if (!zone || zone.value) return;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (document.querySelector(`#zones option[value="${CSS.escape(here)}"]`) || here === "UTC") zone.value = here;
})();
