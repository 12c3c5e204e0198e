// What the theme and Sphinx leave open for a reader who hears the page, speaks to it, or uses the keyboard.
document.addEventListener("DOMContentLoaded", () => {
  // The arrow that opens a part of the table of contents holds a picture only.
  document.querySelectorAll("nav li.has-children > details > summary").forEach((arrow) => {
    arrow.ariaLabel = `Pages under ${arrow.closest("li").querySelector("a").textContent.trim()}`;
  });
  // The search button shows its key, too; what it shows is its name.
  document.querySelectorAll(".search-button-field[aria-label]").forEach((button) => button.removeAttribute("aria-label"));
  // Sphinx makes a list of the bibliography, whose entries have a role that no list may hold.
  document.querySelectorAll(".citation-list > .citation").forEach((entry) => (entry.role = "listitem"));
  // The link that skips the table of contents leads to the text, past the buttons above it.
  const text = document.querySelector("article");
  const skip = document.querySelector("#pst-skip-link a");
  if (text && skip) {
    text.tabIndex = -1;
    skip.addEventListener("click", (event) => {
      event.preventDefault();
      text.focus();
    });
  }
});
