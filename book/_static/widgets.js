// Read before RequireJS: where it finds the widget manager and its icon fonts, seen from any page of the book.
window.require = {
  paths: { "@jupyter-widgets": document.documentElement.dataset.content_root + "_static/vendor/html-manager" },
};

// The widget manager asks for formulas in MathJax 2's words; the book has MathJax 3.
document.addEventListener("DOMContentLoaded", () => {
  if (window.MathJax) {
    window.MathJax.Hub = { Queue: ([, , element]) => window.MathJax.typesetPromise([element]) };
  }
});
