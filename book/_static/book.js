// Whatever scrolls sideways can be reached and scrolled with the keyboard.
(() => {
  const boxes =
    "div.math mjx-container, .statements-scroll, .bd-article pre, .bd-article table, " +
    "div.cell_output > .output";
  const inline = ".bd-article mjx-container:not([display])";
  const update = () => {
    for (const formula of document.querySelectorAll(inline)) {
      formula.classList.remove("wide");
      const column = formula.closest("p, li, dd, td, figcaption");
      if (column) formula.classList.toggle("wide", formula.offsetWidth > column.clientWidth);
    }
    for (const box of document.querySelectorAll(`${boxes}, mjx-container.wide`)) {
      if (box.scrollWidth > box.clientWidth + 1) box.setAttribute("tabindex", "0");
      else box.removeAttribute("tabindex");
    }
  };
  window.addEventListener("resize", update);
  document.addEventListener("toggle", update, true);
  window.addEventListener("load", () => {
    update();
    const ready = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
    if (ready) ready.then(update);
  });
})();
