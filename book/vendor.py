"""Fetch the book's three JavaScript libraries with npm, so that its pages work from disk and without a network.

    python book/vendor.py      # writes book/_static/vendor/, does nothing where it is already there

MathJax draws the formulas, RequireJS loads the widget manager, and the widget manager moves the labs' sliders. Each
package is pinned by the SHA-512 digest of its archive.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parent / "_static" / "vendor"

# npm package -> (digest of its archive, {file in the archive: file in VENDOR})
PACKAGES = {
    "mathjax@3.2.2": (
        "sha512-Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        {"es5/tex-svg-full.js": "mathjax/tex-svg-full.js", "LICENSE": "mathjax/LICENSE"},
    ),
    "requirejs@2.3.8": (
        "sha512-7/cTSLOdYkNBNJcDMWf+luFvMriVm7eYxp4BcFCsAX0wF421Vyce5SXP17c+Jd5otXKGNehIonFlyQXSowL6Mw==",
        {"require.js": "requirejs/require.js"},
    ),
    "@jupyter-widgets/html-manager@1.0.15": (
        "sha512-5thBIV6ymNgmPVOHvzx+gGy8ZSKmSazhtGw4/c4xJDVzRhG9PTeQsRjF3FUTopvFi//SABeNz1yp47bCrJ3CQA==",
        {
            "dist/embed-amd.js": "html-manager/embed-amd.js",
            "dist/embed.js.LICENSE.txt": "html-manager/LICENSE.txt",
            # the icons on buttons: Font Awesome's three faces
            "dist/1551f4f60c37af51121f.woff2": "html-manager/1551f4f60c37af51121f.woff2",
            "dist/7a3337626410ca2f4071.woff2": "html-manager/7a3337626410ca2f4071.woff2",
            "dist/d878b0a6a1144760244f.woff2": "html-manager/d878b0a6a1144760244f.woff2",
        },
    ),
}


def sha512(data: bytes) -> str:
    """The digest in npm's notation."""
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def is_complete(vendor: Path) -> bool:
    """Whether `vendor` holds exactly the pinned packages, every file unchanged since it was written."""
    try:
        manifest = json.loads((vendor / "manifest.json").read_text())
        files = {name: sha512((vendor / name).read_bytes()) for name in manifest["files"]}
    except (OSError, ValueError, KeyError):
        return False
    return manifest == {"packages": {spec: digest for spec, (digest, _) in PACKAGES.items()}, "files": files}


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


def unpack(archive: Path, files: dict[str, str], target: Path) -> None:
    """Copy the named files, and nothing else, from an npm archive to `target`."""
    with tarfile.open(archive) as tar:
        for member, name in files.items():
            destination = target / name
            destination.parent.mkdir(parents=True, exist_ok=True)
            destination.write_bytes(tar.extractfile(f"package/{member}").read())


def fetch(vendor: Path, work: Path, pack=npm_pack) -> None:
    """Fill `vendor` whole or not at all; `work` is an empty folder on the same disk. SystemExit on a wrong digest."""
    new, digests = work / "vendor", {}
    for number, (spec, (digest, files)) in enumerate(PACKAGES.items()):
        folder = work / str(number)
        folder.mkdir()
        data = pack(spec, folder)
        if sha512(data) != digest:
            raise SystemExit(f"{spec} is not what it was: its archive is {sha512(data)}, expected {digest}.")
        archive = folder / "package.tgz"
        archive.write_bytes(data)
        unpack(archive, files, new)
        digests |= {name: sha512((new / name).read_bytes()) for name in files.values()}
    manifest = {"packages": {spec: digest for spec, (digest, _) in PACKAGES.items()}, "files": digests}
    (new / "manifest.json").write_text(json.dumps(manifest, indent=1))
    if vendor.exists():
        vendor.rename(work / "old")
    new.rename(vendor)


def main() -> int:
    if not is_complete(VENDOR):
        build = Path(__file__).parent / "_build"
        build.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=build) as work:
            fetch(VENDOR, Path(work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
