// Whatever scrolls sideways can be reached and scrolled with the keyboard.
(() => {
  const boxes = "div.math, .statements-scroll, .bd-article table, div.cell_output > .output";
  const update = () => {
    for (const box of document.querySelectorAll(boxes)) {
      const scrolls = box.scrollWidth > box.clientWidth + 1;
      if (scrolls) box.setAttribute("tabindex", "0");
      else if (box.getAttribute("tabindex") === "0") box.removeAttribute("tabindex");
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
