"""Fetch the book's four JavaScript libraries with npm, so that its pages work from disk and without a network.

    python book/vendor.py          # writes book/_static/vendor/, does nothing where it is already there
    python book/vendor.py tests    # writes tests/browser/vendor/: what only the browser tests need

MathJax draws the formulas, RequireJS loads the widget manager, the widget manager moves the labs' sliders, and
reveal.js turns slides. axe-core finds what keeps a reader with a screen reader or with weak eyes out of a page; it is
no part of the book. Each package is pinned by the SHA-512 digest of its archive.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
VENDOR = ROOT / "book" / "_static" / "vendor"
TEST_VENDOR = ROOT / "tests" / "browser" / "vendor"

# npm package -> (digest of its archive, the files we need, which go to VENDOR/package/file)
Packages = dict[str, tuple[str, tuple[str, ...]]]
PACKAGES: Packages = {
    "mathjax@3.2.2": (
        "sha512-Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        ("es5/tex-svg-full.js", "LICENSE"),
    ),
    "reveal.js@5.2.1": (
        "sha512-r7//6mIM5p34hFiDMvYfXgyjXqGRta+/psd9YtytsgRlrpRzFv4RbH76TXd2qD+7ZPZEbpBDhdRhJaFgfQ7zNQ==",
        ("dist/reveal.js", "dist/reveal.css", "plugin/notes/notes.js", "LICENSE"),
    ),
    "requirejs@2.3.8": (
        "sha512-7/cTSLOdYkNBNJcDMWf+luFvMriVm7eYxp4BcFCsAX0wF421Vyce5SXP17c+Jd5otXKGNehIonFlyQXSowL6Mw==",
        ("require.js",),
    ),
    "@jupyter-widgets/html-manager@1.0.15": (
        "sha512-5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
        (
            "dist/embed-amd.js",
            "dist/embed.js.LICENSE.txt",
            "dist/1551f4f60c37af51121f.woff2",  # three faces of Font Awesome: the icons on buttons
            "dist/7a3337626410ca2f4071.woff2",
            "dist/d878b0a6a1144760244f.woff2",
        ),
    ),
}
TEST_PACKAGES: Packages = {
    "axe-core@4.14.1": (
        "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
        ("axe.min.js", "LICENSE"),
    ),
}


def sha512(data: bytes) -> str:
    """The digest in npm's notation."""
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def manifest(vendor: Path, packages: Packages) -> dict:
    """What `vendor` holds: every package, and the digest of every file as read from disk. OSError if one is missing."""
    files = [f"{spec.rpartition('@')[0]}/{name}" for spec, (_, names) in packages.items() for name in names]
    return {
        "packages": {spec: digest for spec, (digest, _) in packages.items()},
        "files": {file: sha512((vendor / file).read_bytes()) for file in files},
    }


def is_complete(vendor: Path, packages: Packages) -> bool:
    """Whether `vendor` holds the packages as they are pinned, every file unchanged since it was written."""
    try:
        return json.loads((vendor / "manifest.json").read_text()) == manifest(vendor, packages)
    except (OSError, ValueError):
        return False


def npm_pack(spec: str, folder: Path) -> bytes:
    """The archive of one npm package. SystemExit where npm is missing or cannot fetch it."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("The book needs npm, which comes with Node.js: install Node.js 18 or newer and try again.")
    command = [npm, "pack", spec, "--prefer-offline", "--ignore-scripts", "--loglevel=error"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    archives = list(folder.glob("*.tgz"))
    if run.returncode or len(archives) != 1:
        raise SystemExit(f"npm could not fetch {spec}: {run.stderr.strip() or 'it wrote no archive'}")
    return archives.pop().read_bytes()


def unpack(archive: bytes, names: tuple[str, ...], target: Path) -> None:
    """Copy the named files, and nothing else, from an npm archive to `target`."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for name in names:
            file = target / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(tar.extractfile(f"package/{name}").read())


def fetch(vendor: Path, packages: Packages, work: Path, pack=npm_pack) -> None:
    """Fill `vendor`, whole or not at all. `work`: an empty folder on the same disk. SystemExit on a wrong digest."""
    new = work / "vendor"
    for spec, (digest, names) in packages.items():
        with tempfile.TemporaryDirectory(dir=work) as folder:
            archive = pack(spec, Path(folder))
        if sha512(archive) != digest:
            raise SystemExit(f"{spec} is not what it was: its archive is {sha512(archive)}, and {digest} was expected.")
        unpack(archive, names, new / spec.rpartition("@")[0])
    (new / "manifest.json").write_text(json.dumps(manifest(new, packages), indent=1))
    if vendor.exists():
        vendor.rename(work / "old")
    new.rename(vendor)


def bring(vendor: Path, packages: Packages) -> None:
    """Have the packages in `vendor`; nothing is asked of npm where they are there. SystemExit as in `fetch`."""
    if not is_complete(vendor, packages):
        build = ROOT / "book" / "_build"
        build.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=build) as work:
            fetch(vendor, packages, Path(work))


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["tests"]):
        raise SystemExit("Use: python book/vendor.py [tests]")
    if arguments:
        bring(TEST_VENDOR, TEST_PACKAGES)
    else:
        bring(VENDOR, PACKAGES)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
