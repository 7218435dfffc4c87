"""How `course lab` starts JupyterLab: on this machine only, with a token, and without a request to the outside."""

import os
import secrets
from pathlib import Path

c = get_config()  # noqa: F821  (Jupyter provides it)

c.ServerApp.ip = "127.0.0.1"
# Always a token, also where the reader's own configuration has switched it off for other servers.
c.IdentityProvider.token = os.environ.get("JUPYTER_TOKEN") or secrets.token_hex(24)
c.ServerApp.root_dir = str(Path(__file__).resolve().parents[2])

# No news feed, no look-up of new versions, no catalogue of extensions: each would ask a server.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"

# settings/overrides.json answers the question whether to fetch news, so that nobody is asked.
c.LabApp.app_settings_dir = str(Path(__file__).resolve().parent / "settings")
