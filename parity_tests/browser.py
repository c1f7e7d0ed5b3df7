"""A real browser for tests of pages: headless Chromium or Firefox, or a skip that says why there is none.

Chromium is driven by selenium. Firefox needs no driver: it speaks WebDriver BiDi itself (see firefox.py), under the names of
selenium that the tests use.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def open_browser(width: int = 1280, height: int = 900, dark: bool = False) -> Iterator[Any]:
    """A selenium driver whose window has this size in pixels and this colour scheme. Skips the test where no browser is."""
    pytest.importorskip("selenium", reason="selenium is not installed: no browser for the pages' tests")
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    chromedriver = shutil.which("chromedriver")
    if not (browser and chromedriver):
        pytest.skip("no Chromium with its chromedriver on this machine: the pages were not tried in a browser")
    options = ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(chromedriver, log_output=os.devnull))
    driver.set_script_timeout(60)
    try:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        yield driver
    finally:
        driver.quit()


def resize(browser: Any, width: int, height: int = 900) -> None:
    """Give the page a size in pixels, and return when it has it."""
    if hasattr(browser, "execute_cdp_cmd"):
        sizes = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)
    else:
        browser.send("browsingContext.setViewport", context=browser.tab, viewport={"width": width, "height": height})
    wait_for(lambda: browser.execute_script("return innerWidth") == width)


def wait_for(condition: Callable[[], Any], seconds: float = 15) -> Any:
    """What the condition gives, once that is true; fails if it does not come true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("what was waited for did not come")
