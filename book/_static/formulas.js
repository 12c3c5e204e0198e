// A formula inside a line does not break. One that is wider than its line is marked, and scrolls by itself (custom.css).
function markWideFormulas() {
  document.querySelectorAll("main mjx-container:not([display])").forEach((formula) => {
    formula.classList.remove("wide");
    const block = formula.closest("td, th, p, li, dd");
    if (block && block.matches("p, li, dd")) {
      formula.classList.toggle("wide", formula.getBoundingClientRect().width > block.clientWidth);
    }
  });
}

window.addEventListener("load", () => window.MathJax?.startup?.promise.then(markWideFormulas));
window.addEventListener("resize", markWideFormulas);
