"""A real Chromium, in which pages are opened and watched."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def needed(found, what):
    """Skips where something is missing; in CI that is a failure."""
    if not found:
        (pytest.fail if "CI" in os.environ else pytest.skip)(f"{what} is not installed")


def chromium():
    needed(importlib.util.find_spec("playwright"), "playwright")
    needed(CHROMIUM, "chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_page(chromium, tmp_path):
    """Opens a page; at the end there was no error and no request, or the test fails."""
    contexts, complaints = [], []

    def opened(subject, page=None, **options):
        page = page or watched(**options)
        path = subject if isinstance(subject, Path) else subject.save(tmp_path / "page.html")
        page.goto(path.as_uri())
        return page

    def watched(**options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith("file:") or complaints.append(request.url))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def axe_finds_nothing(page):
    needed(importlib.util.find_spec("axe_playwright_python"), "axe-playwright-python")
    from axe_playwright_python.sync_playwright import Axe

    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
