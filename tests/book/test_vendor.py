"""The JavaScript that the book takes from npm: pinned, whole, and only when it is missing. No test asks npm."""

import io
import tarfile

import pytest
import vendor


def archive(files):
    """An npm archive with these files, {name: bytes}."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def npm(monkeypatch):
    """Two invented packages take the place of the real ones: their archives."""
    archives = {
        "alpha@1.0.0": archive({"dist/a.js": b"a", "dist/unwanted.js": b"x"}),
        "@scope/beta@2.0.0": archive({"b.js": b"b"}),
    }
    digests = {spec: vendor.sha512(data) for spec, data in archives.items()}
    packages = {
        "alpha@1.0.0": (digests["alpha@1.0.0"], ("dist/a.js",)),
        "@scope/beta@2.0.0": (digests["@scope/beta@2.0.0"], ("b.js",)),
    }
    monkeypatch.setattr(vendor, "PACKAGES", packages)
    return archives


def fetch(tmp_path, archives, name="work"):
    (tmp_path / name).mkdir()
    vendor.fetch(tmp_path / "vendor", vendor.PACKAGES, tmp_path / name, pack=lambda spec, folder: archives[spec])


def contents(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_named_files_and_nothing_else(tmp_path, npm):
    assert not vendor.is_complete(tmp_path / "vendor", vendor.PACKAGES)
    fetch(tmp_path, npm)
    assert contents(tmp_path / "vendor") == {"alpha/dist/a.js", "@scope/beta/b.js", "manifest.json"}
    assert (tmp_path / "vendor" / "alpha" / "dist" / "a.js").read_bytes() == b"a"
    assert vendor.is_complete(tmp_path / "vendor", vendor.PACKAGES)


@pytest.mark.parametrize("spoil", ["edit", "delete", "other version"])
def test_a_spoiled_folder_is_not_complete(tmp_path, npm, monkeypatch, spoil):
    fetch(tmp_path, npm)
    file = tmp_path / "vendor" / "alpha" / "dist" / "a.js"
    if spoil == "edit":
        file.write_bytes(b"A")
    elif spoil == "delete":
        file.unlink()
    else:
        monkeypatch.setitem(vendor.PACKAGES, "alpha@1.0.0", ("sha512-new", ("dist/a.js",)))
    assert not vendor.is_complete(tmp_path / "vendor", vendor.PACKAGES)


def test_an_archive_with_another_digest_changes_nothing(tmp_path, npm):
    fetch(tmp_path, npm)
    npm["@scope/beta@2.0.0"] = archive({"b.js": b"not b"})
    with pytest.raises(SystemExit, match=r"@scope/beta@2\.0\.0 is not what it was"):
        fetch(tmp_path, npm, "again")
    assert vendor.is_complete(tmp_path / "vendor", vendor.PACKAGES)
    assert (tmp_path / "vendor" / "@scope" / "beta" / "b.js").read_bytes() == b"b"


def test_an_older_folder_is_replaced_whole(tmp_path, npm):
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "old.js").write_text("old")
    fetch(tmp_path, npm)
    assert "old.js" not in contents(tmp_path / "vendor")


def test_missing_npm_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(vendor.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match=r"install Node\.js 18 or newer"):
        vendor.npm_pack("alpha@1.0.0", tmp_path)


def test_what_is_there_is_not_asked_for(tmp_path, npm, monkeypatch):
    fetch(tmp_path, npm)
    monkeypatch.setattr(vendor, "fetch", lambda *ignored: pytest.fail("npm was asked"))
    vendor.bring(tmp_path / "vendor", vendor.PACKAGES)


def test_what_only_tests_need_is_kept_out_of_the_pages():
    assert "book" not in vendor.TEST_VENDOR.relative_to(vendor.ROOT).parts
    assert vendor.PACKAGES.keys().isdisjoint(vendor.TEST_PACKAGES)


def test_every_pin_is_a_version_with_a_digest():
    for spec, (digest, names) in (vendor.PACKAGES | vendor.TEST_PACKAGES).items():
        assert spec.rpartition("@")[2].count(".") == 2, spec
        assert digest.startswith("sha512-"), spec
        assert len(digest) == len("sha512-") + 88, spec
        assert names, spec
