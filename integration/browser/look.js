// Functions that look at a page as a person does. A debugger evaluates them, so they also run where scripts are
// disabled.

const squeeze = text => (text || "").replace(/\s+/g, " ").trim();

// seen reports whether an element is on the page and not hidden.
const seen = e => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true}) && e.getClientRects().length > 0;

// nameOf returns the text that a person reads on an element, or that a screen reader reads aloud.
const nameOf = e => {
  const labels = [...(e.labels || [])].map(l => l.textContent).join(" ");
  const by = (e.getAttribute("aria-labelledby") || "").split(" ").map(id => document.getElementById(id)?.textContent).join(" ");
  return squeeze(e.getAttribute("aria-label") || by.trim() || labels || e.innerText || e.value || e.placeholder || e.title);
};

// spot returns the middle of the element with this name, after scrolling there.
const spot = name => {
  const dialog = document.querySelector("dialog[open]");
  const all = [...(dialog || document).querySelectorAll("a[href], button, summary, input:not([type=hidden]), select, textarea, [role=tab]")]
    .filter(e => seen(e) && !e.disabled);
  const e = all.find(e => nameOf(e) === name) || all.find(e => nameOf(e).startsWith(name));
  if (!e) return null;
  e.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
  const box = e.getClientRects()[0];
  const x = box.left + box.width / 2, y = box.top + box.height / 2;
  const top = document.elementFromPoint(x, y);
  const own = top && (e.contains(top) || top.contains(e) && !!top.closest("label, a, button, summary") || [...(e.labels || [])].some(l => l.contains(top)));
  return {X: x, Y: y, Covered: own ? "" : top ? top.outerHTML.slice(0, 120) : "the edge of the window"};
};

const selectAll = () => {
  const e = document.activeElement;
  if (e && e.select) e.select();
  return true;
};

const focused = () => {
  const e = document.activeElement;
  if (!e || e === document.body) return {Name: "", Ring: false};
  const style = getComputedStyle(e);
  return {Name: nameOf(e).slice(0, 80), Ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 || style.boxShadow !== "none"};
};

const text = () => squeeze(document.body.innerText);

// overflow lists what makes the page scroll sideways, the innermost elements first.
const overflow = () => {
  const page = document.documentElement, width = page.clientWidth;
  if (page.scrollWidth <= width) return [];
  const scrolls = e => e && e !== document.body && e !== page &&
    (/auto|scroll|hidden|clip/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  const wide = e => {
    const box = e.getBoundingClientRect();
    return Math.max(box.right, box.left + e.scrollWidth) > width + 1;
  };
  return [...document.body.querySelectorAll("*")].reverse().filter(e => seen(e) && wide(e) && !scrolls(e))
    .map(e => `${e.tagName.toLowerCase()}.${e.className} ${squeeze(e.textContent).slice(0, 40)}`).slice(0, 5);
};
