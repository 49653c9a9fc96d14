// The page works without this file. It is only a convenience: current numbers, selection, keys, copying. It
// requests nothing but the page's own address, and changes nothing on the server.
"use strict";
(() => {
  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Copying. Browsers allow the clipboard only to pages from a secure origin, so there is an older way too.
  const copy = async (text, button) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "visually-hidden";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    if (!button) return;
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  };

  // Selection of rows.
  const boxes = () => all("[data-selection] input[name=id]");
  const selected = () => boxes().filter((box) => box.checked);
  let lastBox = -1;

  const showSelection = () => {
    const count = selected().length;
    for (const box of boxes()) box.closest("tr").classList.toggle("selected", box.checked);
    for (const form of all("[data-selection]")) {
      const text = find("[data-selected]", form);
      if (text) {
        text.dataset.text ??= text.textContent;
        text.textContent = text.dataset.text.replace("{n}", count);
        text.hidden = count === 0;
      }
      for (const button of all("[data-actions] button", form)) button.disabled = count === 0;
      const every = find("[data-all]", form);
      if (every) {
        every.hidden = false;
        every.checked = count > 0 && count === boxes().length;
        every.indeterminate = count > 0 && count < boxes().length;
      }
    }
    showPaused();
  };

  const selectRange = (to, checked) => {
    const list = boxes();
    const from = lastBox < 0 ? to : lastBox;
    for (let i = Math.min(from, to); i <= Math.max(from, to); i++) list[i].checked = checked;
  };

  // The current row, which keys move and act on. It is identified by its name, because a refresh replaces the rows.
  let current = "";
  const rows = () => all("[data-rows] tbody tr[data-copy]");
  const currentRow = () => rows().find((row) => row.dataset.copy === current);
  const setCurrent = (row, scroll) => {
    for (const other of all("tr.current")) other.classList.remove("current");
    current = row ? row.dataset.copy : "";
    if (!row) return;
    row.classList.add("current");
    if (scroll) row.scrollIntoView({ block: "nearest" });
  };
  const move = (by) => {
    const list = rows();
    if (list.length === 0) return;
    const at = list.findIndex((row) => row.dataset.copy === current);
    const next = at < 0 ? (by > 0 ? 0 : list.length - 1) : Math.min(Math.max(at + by, 0), list.length - 1);
    setCurrent(list[next], true);
  };

  // A refresh replaces the parts of the page that may change. It waits while somebody selects rows.
  const paused = () => selected().length > 0 || Boolean(find("dialog[open]"));
  const showPaused = () => {
    const fresh = find("#fresh");
    if (!fresh || paused() === fresh.classList.contains("paused")) return;
    fresh.classList.toggle("paused", paused());
    if (paused()) {
      fresh.dataset.text = fresh.textContent;
      fresh.textContent = fresh.dataset.paused;
    } else {
      refresh();
    }
  };

  const isBusy = (part) => {
    const focus = document.activeElement;
    return part.contains(focus) && focus.matches("input:not([type=checkbox]), select, textarea") ||
      !document.getSelection().isCollapsed && part.contains(document.getSelection().anchorNode);
  };

  const replace = (part, by) => {
    if (part.isEqualNode(by) || isBusy(part)) return;
    const focus = part.contains(document.activeElement) ? document.activeElement : null;
    const nameOf = (e) => e.getAttribute("href") || e.getAttribute("value") || e.dataset.copy;
    const name = focus && nameOf(focus);
    const typed = all("input[type=search]", part).map((input) => input.value);
    const opened = all("details", part).map((details) => details.open);
    part.replaceWith(by);
    all("input[type=search]", by).forEach((input, i) => { input.value ||= typed[i] ?? ""; });
    all("details", by).forEach((details, i) => { details.open = opened[i] ?? details.open; });
    if (name) {
      const again = all(focus.tagName, by).find((e) => nameOf(e) === name);
      again?.focus({ preventScroll: true });
    }
  };

  let reading = false;
  const refresh = async () => {
    // The response to a form has an address that cannot be requested again.
    if (reading || document.hidden || paused() || !find("[data-live]") || document.body.hasAttribute("data-answer")) return;
    reading = true;
    try {
      const response = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!response.ok) return;
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      if (paused()) return; // somebody has begun to select in the meantime
      for (const button of all("[data-copy][hidden]", page)) button.hidden = false; // or it could not get the focus
      for (const part of all("[data-live]")) {
        const by = page.getElementById(part.id);
        if (by) replace(part, document.adoptNode(by));
      }
      prepare();
    } catch {
      // The desk restarts, or the network is down. The page shows its age, and the next attempt follows.
    } finally {
      reading = false;
    }
  };

  const prepare = () => {
    for (const button of all("[data-copy][hidden]")) button.hidden = false;
    setCurrent(currentRow(), false);
    showSelection();
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    if (button) copy(button.dataset.copy, button);
    const box = event.target.closest("[data-selection] input[name=id]");
    if (box) {
      const at = boxes().indexOf(box);
      if (event.shiftKey) selectRange(at, box.checked);
      lastBox = at;
      showSelection();
    }
    const every = event.target.closest("[data-all]");
    if (every) {
      for (const one of boxes()) one.checked = every.checked;
      showSelection();
    }
  });

  // A form that is sent twice is refused the second time, and the user would see only the refusal.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post") return;
    setTimeout(() => { for (const button of all("button", event.target)) button.disabled = true; });
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) for (const button of all("form[method=post] button")) button.disabled = false;
  });

  // Keyboard shortcuts. None of them changes anything on the server by itself.
  const go = (name) => {
    const chosen = selected();
    if (chosen.length > 0) {
      const form = chosen[0].form;
      const button = all("[data-actions] button", form).find((b) => (b.getAttribute("formaction") || form.getAttribute("action")) === `/${name}`);
      if (button) form.requestSubmit(button);
      return;
    }
    const to = currentRow()?.dataset[name];
    if (to) location.assign(to);
  };
  const toggle = (range) => {
    const box = currentRow() && find("input[name=id]", currentRow());
    if (!box) return;
    const at = boxes().indexOf(box);
    if (range) selectRange(at, true); else box.checked = !box.checked;
    lastBox = at;
    showSelection();
  };
  const leave = () => {
    for (const box of boxes()) box.checked = false;
    setCurrent(null);
    showSelection();
  };
  const keys = {
    j: () => move(1), k: () => move(-1),
    o: () => find("a[href]", currentRow() ?? document.createElement("p"))?.click(),
    x: () => toggle(false), X: () => toggle(true),
    r: () => go("plan"), d: () => go("dismiss"),
    c: () => { const row = currentRow() ?? find("[data-copy]:not(button):not(tr)"); if (row) copy(row.dataset.copy); },
    "/": () => find("#q, main input[type=search]")?.focus(),
    "?": () => { find("#keys")?.showModal(); showPaused(); },
    Escape: leave,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
    const typing = event.target.matches("input:not([type=checkbox]), select, textarea");
    if (typing) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  find("#keys")?.addEventListener("close", showPaused);

  prepare();
  // A run in progress is read every second; everything else changes slowly.
  setInterval(() => { if (find("[data-often]")) refresh(); }, 1000);
  setInterval(refresh, 5000);
  document.addEventListener("visibilitychange", refresh);
})();
