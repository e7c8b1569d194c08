"""Chromium without a window, for tests that look at pages as a reader does.

Debian's package is installed by `make test` as root (tools/system.sh); where there is none, such
tests are skipped with the reason, or fail where servers are required (see ``servers``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from shutil import which
from typing import TYPE_CHECKING, Any

import psutil
from servers import unavailable

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WIDE, NARROW = {"width": 1200, "height": 900}, {"width": 360, "height": 740}
BROWSER = ("chrom", "headless_shell")
"""How its processes are called."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
WAIT_MILLISECONDS = 120_000
"""For what a loaded machine does slowly; no test takes as long on an idle one."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium until the block ends."""
    found = next((path for name in NAMES if (path := which(name))), None)
    if found is None:
        unavailable("there is no Chromium here: apt-get install chromium")
    from playwright.sync_api import Error, sync_playwright

    with sync_playwright() as playwright:
        try:
            # Its own sandbox does not start as root, nor in most containers.
            browser = playwright.chromium.launch(
                executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
        except Error as error:
            unavailable(f"Chromium does not start: {error}")
        try:
            yield browser
        finally:
            browser.close()
            children = psutil.Process().children(recursive=True)
            ours = [process for process in children if _is_browsers(process)]
            _gone, left = psutil.wait_procs(ours, WAIT_MILLISECONDS / 1000)
            assert left == []


def _is_browsers(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.name().startswith(BROWSER)
    return False


@contextlib.contextmanager
def opened(browser: Browser, url: str, size: dict[str, int], **options: Any) -> Iterator[Page]:
    """Open a page in a profile of its own; ``page.requested`` holds what it asked for."""
    context = browser.new_context(viewport=size, **options)
    context.set_default_timeout(WAIT_MILLISECONDS)
    try:
        page = context.new_page()
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.goto(url)
        page.requested = requested
        yield page
    finally:
        context.close()


def violations(page: Page) -> list[str]:
    """Return what axe finds: the field's standard check of what a machine can see."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]
