"""Debian's Chromium, driven through chromedriver's WebDriver protocol: no client library, no network."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync --disable-dev-shm-usage --hide-scrollbars --window-size=1200,900"
).split()
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
SECONDS = 60


def missing() -> list[str]:
    """Name the programs that the machine lacks."""
    return [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]


@dataclass
class Browser:
    """One session of a headless Chromium with a profile of its own."""

    process: subprocess.Popen[str]
    profile: Path
    root: str

    @classmethod
    def start(cls) -> Self:
        """Start chromedriver on a free port, and a browser."""
        process = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout
        port = next(
            found[1] for line in process.stdout if (found := re.search(r"started successfully on port (\d+)", line))
        )
        profile = Path(tempfile.mkdtemp(prefix="chromium-"))
        browser = cls(process, profile, f"http://127.0.0.1:{port}/session")
        chrome = {"binary": shutil.which("chromium"), "args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}}
        session = browser.ask("POST", "", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]
        browser.root += f"/{session}"
        return browser

    def stop(self) -> None:
        """End the browser, then its driver."""
        try:
            self.ask("DELETE", "")
        finally:
            self.process.terminate()
            self.process.communicate()
            shutil.rmtree(self.profile, ignore_errors=True)

    def ask(self, verb: str, path: str, body: Any = None) -> Any:
        """Send one command and give its value."""
        data = None if verb != "POST" else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"}, method=verb)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(json.load(error)["value"]["message"]) from error

    def open(self, page: Path, scheme: str = "light", width: int = 1200) -> None:
        """Show a file in a colour scheme."""
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.ask("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": media})
        self.ask("POST", "/window/rect", {"width": width, "height": 900})
        self.ask("POST", "/url", {"url": page.as_uri()})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script's body in the page."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector: str) -> list[str]:
        """Find elements by a CSS selector."""
        found = self.ask("POST", "/elements", {"using": "css selector", "value": selector})
        return [one[ELEMENT] for one in found]

    def shown(self, selector: str) -> list[str]:
        """Give the texts of the elements of a selector that a person can see."""
        return [
            self.ask("GET", f"/element/{one}/text")
            for one in self.find(selector)
            if self.ask("GET", f"/element/{one}/displayed")
        ]

    def click(self, selector: str) -> None:
        """Click on the first element of a selector."""
        self.ask("POST", f"/element/{self.find(selector)[0]}/click")

    def type(self, selector: str, text: str) -> None:
        """Type into the first element of a selector."""
        self.ask("POST", f"/element/{self.find(selector)[0]}/value", {"text": text})

    def clear(self, selector: str) -> None:
        """Empty the first element of a selector, as a person does with the keys."""
        self.type(selector, "\ue009a\ue000\ue003")

    def log(self) -> list[str]:
        """Give what the page's console said: errors, refused scripts and styles, failed requests."""
        return [entry["message"] for entry in self.ask("POST", "/se/log", {"type": "browser"})]

    def picture(self, path: Path) -> None:
        """Take a picture of the window."""
        path.write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))
