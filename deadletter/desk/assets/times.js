// Shows times in the browser's zone, and keeps relative times current. Without this script the page has times in UTC,
// and ages as of the time when the page was rendered. Titles stay in UTC, so that they can be compared with logs.
"use strict";
(() => {
  const words = document.currentScript.dataset;
  const locale = document.documentElement.lang;
  const units = words.units.split(" ");
  const sizes = [86400, 3600, 60, 1];
  // Ages are relative to the server's clock, which may differ from the browser's.
  const skew = words.at ? Date.now() - Number(words.at) : 0;
  const clock = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
  const day = { day: "numeric", month: "short" };
  const today = new Intl.DateTimeFormat(locale, clock);
  const thisYear = new Intl.DateTimeFormat(locale, { ...day, ...clock });
  const anyYear = new Intl.DateTimeFormat(locale, { ...day, year: "numeric", ...clock });

  const absolute = (at, now) => {
    if (at.toDateString() === now.toDateString()) return today.format(at);
    return (at.getFullYear() === now.getFullYear() ? thisYear : anyYear).format(at);
  };

  // A short age is in a column whose heading says whether it is past or future.
  const relative = (at, now, short) => {
    const seconds = Math.round(Math.abs(now - at) / 1000);
    if (seconds < 5 && !short) return words.now;
    if (seconds < 1) return `0\u00a0${units[3]}`;
    const i = sizes.findIndex((size) => seconds >= size);
    const amount = `${Math.floor(seconds / sizes[i])}\u00a0${units[i]}`;
    return short ? amount : (at > now ? words.in : words.ago).replace("{1}", amount);
  };

  const show = (times) => {
    const now = new Date(Date.now() - skew);
    for (const time of times) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      const text = "relative" in time.dataset ? relative(at, now, time.dataset.relative === "short") : absolute(at, now);
      if (time.textContent !== text) time.textContent = text;
      time.dataset.shown = "";
    }
  };

  show(document.querySelectorAll("time[datetime]"));
  // Refreshed parts of the page arrive with times in UTC.
  new MutationObserver(() => show(document.querySelectorAll("time[datetime]:not([data-shown])")))
    .observe(document.body, { childList: true, subtree: true });
  setInterval(() => {
    if (!document.hidden) show(document.querySelectorAll("time[data-relative]"));
  }, 1000);
})();
