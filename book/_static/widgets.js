// Read before RequireJS: where the widget manager's modules lie, seen from any page. They look for icon fonts beside themselves.
const widgetFiles = document.documentElement.dataset.content_root + "_static/vendor/@jupyter-widgets/html-manager/dist";
window.require = { paths: { "@jupyter-widgets": widgetFiles, "@jupyter-widgets/html-manager/dist": widgetFiles } };

// The widget manager asks for formulas in MathJax 2's words; the book has MathJax 3.
document.addEventListener("DOMContentLoaded", () => {
  if (window.MathJax) {
    window.MathJax.Hub = { Queue: ([, , element]) => window.MathJax.typesetPromise([element]) };
  }
});

// The theme turns icons into pictures when a page is read. Not later: a play button looks for its own icon when it is pressed.
window.FontAwesomeConfig = { observeMutations: false };

// The widgets' handles and their buttons without words get names for readers who hear them.
const buttonNames = { play: "Play or pause", pause: "Play or pause", stop: "Stop", retweet: "Repeat" };
new MutationObserver(() => {
  document.querySelectorAll(".jupyter-button:not([aria-label])").forEach((button) => {
    const icon = Object.keys(buttonNames).find((name) => button.querySelector(`.fa-${name}`));
    if (icon) button.ariaLabel = buttonNames[icon];
  });
  document.querySelectorAll(".widget-slider:has(.widget-label) .noUi-handle:not([aria-label])").forEach((handle) => {
    handle.ariaLabel = handle.closest(".widget-slider").querySelector(".widget-label").textContent || "value";
  });
}).observe(document.documentElement, { childList: true, subtree: true });

// A box of widgets scrolls when what it shows is wider; the keyboard reaches it then.
const boxSizes = new ResizeObserver((changes) => {
  new Set(changes.map(({ target }) => target.parentElement)).forEach((box) => {
    if (box?.scrollWidth > box?.clientWidth) box.tabIndex = 0;
    else box?.removeAttribute("tabindex");
  });
});
new MutationObserver(() => {
  document.querySelectorAll(".widget-box > :not(.sized)").forEach((part) => {
    part.classList.add("sized");
    boxSizes.observe(part);
  });
}).observe(document.documentElement, { childList: true, subtree: true });

// An explorer that asks Python at every step cannot answer here. It says so, and its buttons do not move.
new MutationObserver(() => {
  document.querySelectorAll(".maca-live:not([inert])").forEach((explorer) => {
    const note = document.createElement("p");
    note.className = "maca-live-note";
    note.textContent = "This one asks Python at every step: open the lab in JupyterLab to move it.";
    explorer.before(note);
    explorer.inert = true;
  });
}).observe(document.documentElement, { childList: true, subtree: true });
