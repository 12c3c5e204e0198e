"""Voila, told to be quiet, to keep to this machine, and to load nothing from elsewhere. Imports the package voila."""

from __future__ import annotations

import secrets
import threading
import webbrowser
from pathlib import Path

from traitlets.config import Config
from voila.app import Voila

# What draws the widgets. Other extensions of JupyterLab that happen to be installed have no place in the page.
EXTENSIONS = ["@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8"]
FORGOTTEN = 600  # seconds without a page, after which a page's Python is ended


class Server(Voila):
    """Voila with an address that holds the token; its own would ask for a password."""

    browser_wanted = True

    def launch_browser(self) -> None:
        """Say where the page is, and open it; called once the server listens."""
        address = f"{self.connection_url}?token={self.token}"
        print(f"The explorers are at {address}\nStop them here with Ctrl-C.", flush=True)
        if self.browser_wanted:
            threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()


def run(notebook: Path, address: str, port: int, browser: bool) -> None:
    """Serve a notebook until Ctrl-C."""
    settings = Config()
    settings.Voila.ip = address
    settings.Voila.port = port
    settings.Voila.port_retries = 0
    settings.Voila.token = secrets.token_hex(24)
    settings.Voila.log_level = "ERROR"
    settings.Voila.config_file_paths = []  # nobody's own settings
    settings.VoilaConfiguration.template = "maca"
    settings.VoilaConfiguration.allow_template_override = "NO"
    settings.VoilaConfiguration.allow_theme_override = "NO"
    settings.VoilaConfiguration.extension_allowlist = EXTENSIONS
    settings.VoilaConfiguration.file_allowlist = []
    settings.VoilaConfiguration.show_tracebacks = True
    settings.MappingKernelManager.cull_idle_timeout = FORGOTTEN
    settings.MappingKernelManager.cull_interval = 60
    server = Server(config=settings)
    server.browser_wanted = browser
    server.initialize([str(notebook)])
    server.start()
