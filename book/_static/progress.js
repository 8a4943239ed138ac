// Ticks of the page "My progress", kept by this browser under one name and sent nowhere.
(() => {
  const NAME = "gradflows-progress";
  const read = () => {
    try {
      return JSON.parse(localStorage.getItem(NAME)) || {};
    } catch {
      return {};
    }
  };
  const write = (ticked) => {
    try {
      localStorage.setItem(NAME, JSON.stringify(ticked));
    } catch {
      // a browser that keeps nothing shows the list without remembering it
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    const list = document.querySelector(".my-progress");
    if (!list) return;
    const boxes = [...list.querySelectorAll("input[data-key]")];
    const sum = document.createElement("p");
    sum.setAttribute("role", "status");
    list.prepend(sum);
    const show = () => {
      const done = boxes.filter((box) => box.checked).length;
      sum.textContent = `${done} of ${boxes.length} ticked.`;
    };
    const ticked = read();
    for (const box of boxes) {
      box.checked = Boolean(ticked[box.dataset.key]);
      box.addEventListener("change", () => {
        const now = read();
        if (box.checked) now[box.dataset.key] = true;
        else delete now[box.dataset.key];
        write(now);
        show();
      });
    }
    show();
  });
})();
