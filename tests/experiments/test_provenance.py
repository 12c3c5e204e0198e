"""Where numbers come from: the processor is told from others of its name, and packages are named where installed."""

from importlib.metadata import PackageNotFoundError, version

import pytest

from maca_edu.experiments import provenance

INFO = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 85
model name\t: Intel(R) Xeon(R) CPU @ 2.00GHz
flags\t\t: fpu sse2 {flags}
power management:

processor\t: 1
cpu family\t: 7
"""


@pytest.mark.parametrize(
    ("flags", "vectors"),
    [
        ("avx avx2 avx512f avx512vl", "AVX2, AVX-512"),
        ("avx avx2 fma", "AVX2, no AVX-512"),
        ("avx", "no AVX2, no AVX-512"),
    ],
)
def test_a_processor_has_family_model_and_vectors(tmp_path, monkeypatch, flags, vectors):
    monkeypatch.setattr(provenance, "CPUINFO", tmp_path / "cpuinfo")
    provenance.CPUINFO.write_text(INFO.format(flags=flags))
    assert provenance.processor() == f"Intel(R) Xeon(R) CPU @ 2.00GHz (family 6 model 85, {vectors})"


def test_elsewhere_it_is_what_python_knows(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    assert provenance.processor() == "arm64"
    provenance.CPUINFO.write_text("processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd\n")
    assert provenance.processor() == "arm64"
    monkeypatch.setattr("platform.processor", lambda: "i386")
    assert provenance.processor() == "i386"


def test_packages_of_some_games_are_named_where_they_are_installed(monkeypatch):
    def found(name: str) -> str:
        if name == "jaxlib":
            raise PackageNotFoundError(name)
        return "1.2.3" if name.startswith("jax") else version(name)

    monkeypatch.setattr(provenance, "version", found)
    known = provenance.versions()
    assert list(known) == ["maca-edu", "torch", "numpy", "cma", "jax", "jaxmarl", "python"]
    assert (known["jax"], known["numpy"]) == ("1.2.3", version("numpy"))
