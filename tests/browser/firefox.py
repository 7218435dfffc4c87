"""Firefox, driven by WebDriver BiDi: the standard's own protocol, over a WebSocket that every Firefox opens.

Playwright's Firefox is a patched one, kept on its makers' servers alone; and with the Firefox of a distribution, Playwright
1.65 sends commands at its start that Debian's does not know. So the few commands that the tests need are sent from here.
https://www.w3.org/TR/webdriver-bidi/
"""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import websocket

NAMES = ("firefox-esr", "firefox")
ON_A_MAC = Path("/Applications/Firefox.app/Contents/MacOS/firefox")
# It asks its makers' servers for nothing, and keeps to the light colours unless a page is asked for the dark ones.
SETTINGS = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}
# Of the keys that have no letter, those that the tests press; the standard gives each a place in Unicode.
KEYS = {"ArrowLeft": "\ue012", "ArrowRight": "\ue014", "End": "\ue010", "Home": "\ue011", "Space": " "}


def executable():
    """The path of Firefox: ``COURSE_FIREFOX``, or the first of the usual names on the path.

    Raises
    ------
    SystemExit
        If there is none; says what to do.
    """
    asked = os.environ.get("COURSE_FIREFOX")
    if asked:
        if not Path(asked).is_file():
            raise SystemExit(f"COURSE_FIREFOX names {asked}, which is not there.")
        return asked
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None and ON_A_MAC.is_file():
        found = str(ON_A_MAC)
    if found is None:
        raise SystemExit(
            "No Firefox was found. Install it (Debian: apt install firefox-esr), set COURSE_FIREFOX to its path, or leave "
            "its tests out with COURSE_BROWSERS=chromium."
        )
    return found


class Firefox:
    """A headless Firefox with a new profile in ``folder``; a context manager.

    Raises
    ------
    SystemExit
        If there is no Firefox, or if it opens no WebSocket; says what it printed.
    """

    def __init__(self, folder, seconds=120):
        self.seconds, self.last, self.pages = seconds, 0, {}
        profile = Path(folder) / "profile"
        profile.mkdir(parents=True)
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in SETTINGS.items()]
        (profile / "user.js").write_text("".join(lines), encoding="utf-8")
        log = Path(folder) / "log"
        command = [executable(), "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
        with log.open("w") as file:
            self.process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        try:
            port = self._port(profile / "WebDriverBiDiServer.json", log)
            address = f"ws://127.0.0.1:{port}/session"
            self.socket = websocket.create_connection(address, timeout=seconds, suppress_origin=True)
            self.version = self.send("session.new", capabilities={})["capabilities"]["browserVersion"]
            self.send("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        except BaseException:
            self.process.kill()
            raise

    def _port(self, said, log):
        """The port that Firefox writes into its profile when it listens."""
        until = time.monotonic() + self.seconds
        while time.monotonic() < until and self.process.poll() is None:
            try:
                return json.loads(said.read_text(encoding="utf-8"))["ws_port"]
            except (FileNotFoundError, json.JSONDecodeError):
                time.sleep(0.1)
        raise SystemExit(f"Firefox did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        try:
            self.send("browser.close")
            self.socket.close()
            self.process.wait(20)
        except (OSError, RuntimeError, websocket.WebSocketException, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()

    def send(self, method, **parameters):
        """Send one command and return its result; what happens on the pages meanwhile is written down.

        Raises
        ------
        RuntimeError
            If Firefox answers with an error.
        """
        self.last += 1
        self.socket.send(json.dumps({"id": self.last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message["type"] == "event":
                self._happened(message["method"], message["params"])
            elif message.get("id") == self.last:
                if message["type"] == "error":
                    raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
                return message["result"]

    def _happened(self, event, about):
        context = about.get("context") or about.get("source", {}).get("context")
        page = self.pages.get(context)
        if page is None:
            return
        if event == "network.beforeRequestSent":
            page.requests.append(about["request"]["url"])
        elif about["level"] == "error":
            page.errors.append((about["text"] or "")[:300])

    def open(self, address, width=1280, height=720):
        """Open a page in a tab of its own and wait until it is loaded."""
        context = self.send("browsingContext.create", type="tab")["context"]
        page = self.pages[context] = Page(self, context)
        size = {"width": width, "height": height}
        self.send("browsingContext.setViewport", context=context, viewport=size, devicePixelRatio=1)
        self.send("browsingContext.navigate", context=context, url=address, wait="complete")
        return page


class Page:
    """A tab: ``errors`` of its console and scripts, ``requests`` that it sent."""

    def __init__(self, firefox, context):
        self.firefox, self.context = firefox, context
        self.errors, self.requests = [], []

    def evaluate(self, expression):
        """The value of an expression in JavaScript, as Python has it; a promise is waited for.

        Raises
        ------
        RuntimeError
            If it throws; says what.
        """
        source = f"(async () => JSON.stringify((await ({expression})) ?? null))()"
        found = self.firefox.send(
            "script.evaluate", expression=source, target={"context": self.context}, awaitPromise=True
        )
        if found["type"] == "exception":
            raise RuntimeError(found["exceptionDetails"]["text"])
        return json.loads(found["result"]["value"])

    def wait_for(self, expression, seconds=60):
        """Wait until an expression is true, and return its value.

        Raises
        ------
        TimeoutError
            If it is not in time.
        """
        until = time.monotonic() + seconds
        while True:
            value = self.evaluate(expression)
            if value:
                return value
            if time.monotonic() > until:
                raise TimeoutError(f"after {seconds} s still not so: {expression}; errors: {self.errors[:3]}")
            time.sleep(0.1)

    def press(self, key):
        """Press a key, a letter or one of ``KEYS``, on what has the focus."""
        value = KEYS.get(key, key)
        actions = [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        source = {"type": "key", "id": "keyboard", "actions": actions}
        self.firefox.send("input.performActions", context=self.context, actions=[source])

    def close(self):
        self.firefox.send("browsingContext.close", context=self.context)
        del self.firefox.pages[self.context]
