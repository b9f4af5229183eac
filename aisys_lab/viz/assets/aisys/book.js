// Shows a glossary entry beside its link, on hover and on focus; Escape closes it.
(() => {
  const tip = document.createElement("div");
  Object.assign(tip, { id: "aisys-tip", hidden: true });
  tip.setAttribute("role", "tooltip");

  const hide = () => {
    tip.hidden = true;
    document.querySelectorAll("[aria-describedby=aisys-tip]")
      .forEach((link) => link.removeAttribute("aria-describedby"));
  };
  const show = (link) => {
    hide();
    tip.textContent = link.dataset.tip;
    tip.hidden = false;
    link.setAttribute("aria-describedby", tip.id);
    const at = link.getBoundingClientRect();
    const left = Math.min(at.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left) + window.scrollX}px`;
    tip.style.top = `${at.bottom + 6 + window.scrollY}px`;
  };
  document.addEventListener("DOMContentLoaded", () => {
    const links = document.querySelectorAll("a[data-tip]");
    if (!links.length) return;
    (document.querySelector("main") || document.body).append(tip);
    links.forEach((link) => {
      link.addEventListener("mouseenter", () => show(link));
      link.addEventListener("focus", () => show(link));
      link.addEventListener("mouseleave", hide);
      link.addEventListener("blur", hide);
    });
    document.addEventListener("keydown", (key) => { if (key.key === "Escape") hide(); });
  });
})();

// What is too wide for the column scrolls sideways, and so must be reachable by keyboard.
(() => {
  const wide = ".bd-article table, .bd-article div.math, mjx-container[display]";
  const reachable = () => document.querySelectorAll(wide).forEach((part) => {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  });
  window.addEventListener("resize", reachable);
  window.addEventListener("load", () => {
    reachable();
    window.MathJax?.startup?.promise?.then(reachable);
  });
})();
