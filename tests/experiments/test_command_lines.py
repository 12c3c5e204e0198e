"""Whatever is typed behind `maca-edu` ends with a status and a sentence, never with a traceback."""

import subprocess
import sys


def test_an_interruption_while_the_command_line_is_imported_is_quiet(tmp_path):
    (tmp_path / "tyro.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from maca_edu.__main__ import main; sys.exit(main())"
    ended = subprocess.run([sys.executable, "-c", start], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")
